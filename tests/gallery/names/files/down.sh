# What takes the migration of the gallery back.
echo drop orders
