# What the migration of the gallery runs.
echo add orders
