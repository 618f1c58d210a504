"""The gazetteer: places by their names in English and in Russian (GeoNames)."""
