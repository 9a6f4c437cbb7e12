"""What ships: recipes, and the suites made from them."""
