package store

// Statements are the SQL texts of the package, for the test that prepares each.
func Statements() []string { return statements }

// WithoutCustomerLock has mails placed without the lock of their customer, until the function that it returns is called.
func WithoutCustomerLock() (restore func()) {
	locked := lockCustomer
	lockCustomer = `SELECT id::text FROM customer WHERE id = $1`
	return func() { lockCustomer = locked }
}

// WithoutRateLock has a mailbox's acknowledgements counted without the lock of its row, until the function that it returns is called.
func WithoutRateLock() (restore func()) {
	locked := lockRate
	lockRate = `SELECT sent FROM acknowledgement_rate WHERE mailbox_id = $1`
	return func() { lockRate = locked }
}

// WithoutSenderLimit has a sender's row taken however lately he was sent one, until the function that it returns is called.
func WithoutSenderLimit() (restore func()) {
	conditional := takeSender
	takeSender = `
		INSERT INTO acknowledged (address, at, contact_id) SELECT lower($1), postroom_now(), $2::uuid WHERE $3::interval IS NOT NULL
		ON CONFLICT (address) DO UPDATE SET at = excluded.at RETURNING address`
	return func() { takeSender = conditional }
}
