# Every command that people and CI run. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ENV ?= local
TAGS ?= all
BIN := build/venv/bin
INVENTORY := inventories/$(ENV)
PLAYBOOK := $(BIN)/ansible-playbook -i $(INVENTORY)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export PYTHONDONTWRITEBYTECODE := 1
SCENARIOS := $(or $(ROLE),$(patsubst molecule/%/molecule.yml,%,$(wildcard molecule/*/molecule.yml)))
PYTHON_FILES := lambdas library strategy_plugins local_cloud benchmarks examples scripts smoke tests roles molecule
DEPLOYED_FILES := lambdas library module_utils strategy_plugins local_cloud pygrid/src pygrid/scripts pygrid/benchmarks roles scripts smoke benchmarks examples

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Get Python 3.13 and install everything that is pinned, below build/
	@scripts/setup

up: setup ## Start the local cloud and deploy the whole platform to it
	@ANSIBLE_CALLBACKS_ENABLED=ansible.posix.profile_roles $(BIN)/ansible-playbook -i inventories/local/hosts.yml playbooks/local_cloud.yml
	@ANSIBLE_CALLBACKS_ENABLED=ansible.posix.profile_roles $(BIN)/ansible-playbook -i inventories/local site.yml
	@$(BIN)/python scripts/summary.py build/local/outputs.json

down: ## Stop the local cloud and remove all that it holds
	@python3 -m local_cloud down

deployer: setup ## Make the role that deploys ENV; run once by an administrator
	@$(PLAYBOOK) playbooks/deployer.yml

plan: setup ## Show what a deployment to ENV would change; fails if anything would
	@scripts/plan -i $(INVENTORY) --tags $(TAGS)

deploy: setup ## Deploy to ENV, or only its components TAGS=a,b
	@$(PLAYBOOK) site.yml --tags $(TAGS)

destroy: setup ## Remove ENV again; needs CONFIRM=<env>, keeps data unless DELETE_DATA=true
	@$(PLAYBOOK) destroy.yml --tags $(TAGS) -e confirm=$(CONFIRM) -e delete_data=$(or $(DELETE_DATA),false)

outputs: setup ## Print where everything of ENV is
	@$(PLAYBOOK) site.yml --tags outputs > build/outputs.log || { cat build/outputs.log; exit 1; }
	@cat build/$(ENV)/outputs.json

smoke: setup ## Check every component of ENV; READ_ONLY=true writes nothing, JSON=true prints JSON
	@$(PLAYBOOK) site.yml --tags outputs > build/outputs.log || { cat build/outputs.log; exit 1; }
	@$(BIN)/python -m smoke build/$(ENV)/outputs.json $(if $(filter true,$(READ_ONLY)),--read-only) $(if $(filter true,$(JSON)),--json)

samples: setup ## Regenerate every sample of ENV that is missing or stale
	@$(PLAYBOOK) playbooks/operations/samples.yml

users: setup ## Make the rows of users of ENV who have none
	@$(PLAYBOOK) playbooks/operations/users.yml

disable-user: setup ## Disable the user NAME of ENV and end all of its sessions
	@$(PLAYBOOK) playbooks/operations/disable_user.yml -e cognito_user_name='$(NAME)'

add-to-group: setup ## Add the user NAME of ENV to GROUP: developers, data-scientists or admins
	@$(PLAYBOOK) playbooks/operations/add_to_group.yml -e cognito_user_name='$(NAME)' -e cognito_group=$(GROUP)

remove-from-group: setup ## Remove the user NAME of ENV from GROUP
	@$(PLAYBOOK) playbooks/operations/remove_from_group.yml -e cognito_user_name='$(NAME)' -e cognito_group=$(GROUP)

rotate-secret: setup ## Give the client CLIENT of ENV a new secret; the old one works on
	@$(PLAYBOOK) playbooks/operations/client_secret.yml -e cognito_client=$(CLIENT) -e cognito_secret_state=rotated

retire-secret: setup ## Delete the old secret of the client CLIENT of ENV
	@$(PLAYBOOK) playbooks/operations/client_secret.yml -e cognito_client=$(CLIENT) -e cognito_secret_state=retired

backup: setup ## Back up the PyGrid node of ENV now
	@$(PLAYBOOK) playbooks/operations/backup.yml

restore: setup ## Restore the newest backup of ENV, or NAME; FORCE=true replaces newer data
	@$(PLAYBOOK) playbooks/operations/restore.yml -e pygrid_restore_name='$(or $(NAME),latest)' -e pygrid_restore_force=$(or $(FORCE),false)

backup-hub: setup ## Back up JupyterHub of ENV now
	@$(PLAYBOOK) playbooks/operations/backup_hub.yml

restore-hub: setup ## Restore the newest backup of JupyterHub of ENV, or NAME; FORCE=true replaces newer data
	@$(PLAYBOOK) playbooks/operations/restore_hub.yml -e jupyterhub_restore_name='$(or $(NAME),latest)' -e jupyterhub_restore_force=$(or $(FORCE),false)

sync-data: setup ## Copy samples and tutorials to the notebooks of ENV now
	@$(PLAYBOOK) playbooks/operations/sync_data.yml

demo-password: setup ## Print names and password of the demo users of ENV
	@$(BIN)/python scripts/demo_password.py build/$(ENV)

# The last two as one, since the one has a process to spare where the other has too few.
test: lint unit pygrid molecule ## Run every test but those that soak adds
	@scripts/setup --debian
	@scripts/setup --notebooks
	@$(BIN)/pytest tests/integration tests/e2e -n 2 --dist loadscope --timeout 1800

soak: setup ## Test what takes hours: another release of JupyterHub and back, every plan and interruption
	@SOAK=true $(MAKE) molecule
	@SOAK=true $(BIN)/pytest tests/e2e/test_deployment.py tests/e2e/test_empty_account.py tests/e2e/test_interruptions.py tests/e2e/test_host_interruptions.py tests/e2e/test_plan.py tests/e2e/test_restart.py -n 2 --dist loadscope

lint: setup ## Check style, types, security, documentation, shell scripts, secrets and pins
	@$(BIN)/ruff check && $(BIN)/ruff format --check
	@$(BIN)/mypy $(PYTHON_FILES)
	@cd pygrid && ../build/pygrid-venv/bin/mypy src tests benchmarks scripts
	@$(BIN)/python scripts/bandit.py $(DEPLOYED_FILES)
	@$(BIN)/yamllint --strict .
	@$(BIN)/ansible-lint --offline
	@$(BIN)/shellcheck scripts/setup scripts/plan scripts/lock scripts/molecule scripts/ssh .ci/run
	@git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --exclude-files '^pygrid/tests/golden/' --exclude-secrets '^(test|testing|unit|hush)$$'
	@$(BIN)/python scripts/document_roles.py --check
	@$(BIN)/python scripts/audit.py

audit: setup ## Ask the world for advisories of what is pinned, and for what was withdrawn
	@$(BIN)/python scripts/audit.py --online

unit: setup ## Run the unit tests: no network, no AWS
	@$(BIN)/pytest tests/unit -n 2

integration: setup ## Run every module and launcher against a real emulator
	@scripts/setup --debian
	@scripts/setup --notebooks
	@$(BIN)/pytest tests/integration -n 2 --dist loadscope

pygrid: setup ## Test the PyGrid node on a real PostgreSQL, with real clients
	@scripts/setup --debian
	@cd pygrid && ../build/pygrid-venv/bin/pytest -n 2

molecule: setup ## Test the roles of hosts, or only ROLE, on systemd containers
	@scripts/setup --debian
	@scripts/molecule $(SCENARIOS)

e2e: setup ## Deploy the local platform, use it as people do, and remove it
	@scripts/setup --debian
	@$(BIN)/pytest tests/e2e -n 2 --dist loadscope --timeout 1800

bench: setup ## Measure; docs/performance.md tells what came out
	@$(BIN)/python -m benchmarks

bench-pygrid: setup ## Measure the PyGrid node
	@scripts/setup --debian
	@cd pygrid && PYTHONPATH=src:tests ../build/pygrid-venv/bin/python -m benchmarks

format: setup ## Format the Python files
	@$(BIN)/ruff check --fix && $(BIN)/ruff format

docs: setup ## Generate the variable tables of the roles
	@$(BIN)/python scripts/document_roles.py

lock: setup ## Pin all dependencies anew
	@scripts/lock

clean: ## Remove everything that was built or installed, and the images of hosts
	@python3 -m local_cloud clean
	@rm -rf build

.PHONY: help setup up down deployer plan deploy destroy outputs smoke samples users disable-user add-to-group remove-from-group rotate-secret retire-secret backup restore backup-hub restore-hub sync-data demo-password test soak lint audit unit integration pygrid molecule e2e bench bench-pygrid format docs lock clean
