package store

// Statements are the SQL texts of the package, for the test that prepares each.
func Statements() []string { return statements }
