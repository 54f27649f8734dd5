# Two commands do everything: make dev runs it all, make test proves it all. Both install what they need.
SHELL := /bin/bash
BIN   := .cache/bin
export CGO_ENABLED ?= 1

.DEFAULT_GOAL := help
.PHONY: help dev test lint generate histories bench-contact bench-routing bench-send bench-ingest bench-idle scores build clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

dev: build ## run everything on this machine, on loopback; Ctrl-C stops it, the next start resumes
	@exec $(BIN)/postroom dev

build: ## build the desktop if it is stale, and the program, into .cache/bin
	@web/build
	@mkdir -p $(BIN)
	@go build -o $(BIN)/postroom ./cmd/postroom

test: lint ## everything: lint, unit, store, replay, and the whole stack end to end
	cd web && npm test --silent
	@web/build
	go test -race -timeout 25m ./...

lint: $(BIN)/staticcheck web/node_modules/.stamp ## formatting, vet, static checks, determinism of workflows, the API's contract
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "gofmt the files above"; exit 1; }
	go vet ./...
	$(BIN)/staticcheck ./...
	$(BIN)/workflowcheck ./workflows
	web/node_modules/.bin/buf lint
	cd web && npm run --silent lint && npm run --silent typecheck
	@! grep -q '"resolved"' web/package-lock.json || { echo "web/package-lock.json names a registry: install with web/.npmrc"; exit 1; }
	@scripts/check-generated

generate: web/node_modules/.stamp ## write the code that comes from proto/
	web/node_modules/.bin/buf generate

histories: ## record the workflow histories that are missing; committed ones are never touched
	go test ./worker -run TestStor -count=1 -args -record

bench-contact: build ## CPU of a contact by process, beside the bare workflow, alternating
	go run ./bench/contact

bench-routing: build ## what decisions cost with 100,000 contacts waiting, and Available to offered; fails if a limit is passed
	go run ./bench/routing

bench-send: ## how soon a reply is at the mail server after Send; fails if half of them take more than 50 ms
	go run ./bench/send

bench-ingest: build ## mail from Dovecot: rate, CPU per mail, delivered to stored, and the worker's memory while large mails wait; fails if a limit is passed
	go run ./bench/ingest

bench-idle: build ## CPU by process while nobody works, over five minutes; fails above 2 % of a core
	go run ./bench/idle

scores: ## how much of the mail corpora is read as it should be; fails if it is less than before
	go run ./bench/scores

clean: ## remove built programs and tools; the state of make dev stays in .postroom
	rm -rf .cache

$(BIN)/staticcheck: internal/tools/go.mod internal/tools/go.sum
	@mkdir -p $(BIN)
	cd internal/tools && go build -o ../../$(BIN)/ honnef.co/go/tools/cmd/staticcheck go.temporal.io/sdk/contrib/tools/workflowcheck
	@touch $@

web/node_modules/.stamp: web/package-lock.json
	@node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||(a==20&&b>=19)?0:1)' || { echo "Node 20.19 or newer is needed: see https://nodejs.org"; exit 1; }
	cd web && npm ci --no-audit --no-fund
	@touch $@
