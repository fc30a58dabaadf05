"""The model of what is published: catalog, tables, columns, types, names, descriptors."""
