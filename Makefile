# Every target is a script in scripts/; this file is the table of contents.
# A make on its own prints the targets.

.DEFAULT_GOAL := help
.PHONY: help run test test-domain soak check fmt schema bench clean-data

help: ## prints this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## installs, builds and starts everything, and shows this machine as the first device
	@scripts/run.sh

test: ## runs every test; installs and starts what they need
	@scripts/test.sh

test-domain: ## runs the tests of the rules alone: no Postgres, seconds
	@cargo test --quiet --package tenon-domain

soak: ## sends, compacts and kills for MINUTES=10, and counts that nothing is lost or doubled
	@MINUTES=$(MINUTES) scripts/soak.sh

check: ## format, lints, licences, the design's rules, freshness of generated files
	@scripts/check.sh

fmt: ## formats Rust, SQL and JavaScript
	@scripts/fmt.sh

schema: ## regenerates sql/schema.sql, docs/sql-api.md, docs/errors.md and the TypeScript types
	@scripts/schema.sh

bench: ## measures; ONLY=e2e for one group
	@scripts/bench.sh $(ONLY)

clean-data: ## forgets the data of make run
	@scripts/clean-data.sh
