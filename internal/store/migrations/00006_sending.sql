-- Sending: addresses that find their way back.

-- +goose Up

ALTER TABLE mailbox ADD COLUMN plus_addressing boolean NOT NULL DEFAULT false;
