"""tagsync: tags on customers of the 兔展 platform, from an Excel sheet, with an outcome for every row."""
