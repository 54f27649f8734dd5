-- How a mail may be shown beside its text. Nothing of it is safe to show as it stands: HTML is made so whenever it is read, so that better rules
-- hold for old mails too. What is here passed the card scanner (R36).

-- +goose Up

CREATE TABLE message_showing (
    message_id uuid PRIMARY KEY REFERENCES message,
    html       text NOT NULL,                 -- the source of its HTML, card data masked; '' if there is none that may be kept
    quoted     integer[] NOT NULL DEFAULT '{}' -- which lines of message.body it quotes: first and behind last, again and again, from 0
);

GRANT SELECT, INSERT ON message_showing TO postroom_app;
