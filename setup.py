"""What pyproject.toml cannot say: templates/ and static/ lie beside the package, and are parts of it in a wheel."""

from setuptools import find_packages, setup

BESIDE = ("templates", "static")

setup(
    packages=[*find_packages(include=["tagsync*"]), *(f"tagsync.{name}" for name in BESIDE)],
    package_dir={f"tagsync.{name}": name for name in BESIDE},
    package_data={"tagsync": ["locale/*/LC_MESSAGES/*"], **{f"tagsync.{name}": ["**/*"] for name in BESIDE}},
)
