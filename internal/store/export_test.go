package store

// Statements are the SQL texts of the package, for the test that prepares each.
func Statements() []string { return statements }

// WithoutCustomerLock has mails placed without the lock of their customer, until the function that it returns is called.
func WithoutCustomerLock() (restore func()) {
	locked := lockCustomer
	lockCustomer = `SELECT id::text FROM customer WHERE id = $1`
	return func() { lockCustomer = locked }
}
