#!/usr/bin/env bash
# Installs what scripts/packages and package.json list and is missing; quick when all is there.
#   setup.sh          what building, running and testing need
#   setup.sh check    also what only make check needs
#   setup.sh apt      the system packages alone: what needs root
. "$(dirname "$0")/lib.sh"

# Name and version of each package that a manager is to install.
packages() {
    awk -v manager="$1" -v purpose="$purpose" \
        '$1 == manager && ($2 == "all" || $2 == purpose) { print $3, $4 }' "$ROOT/scripts/packages"
}
purpose=${1:-all}

# True when VERSION $1 is at least $2.
at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n1)" = "$2" ]; }

require_languages() {
    local rust node
    rust=$(rustc --version 2>/dev/null | awk '{ print $2 }') || true
    at_least "${rust:-0}" 1.95.0 ||
        die "Rust 1.95 or newer is needed (found ${rust:-none}): get it from https://rustup.rs, or run 'rustup update stable'"
    node=$(node --version 2>/dev/null | tr -d v) || true
    at_least "${node:-0}" 20.0.0 ||
        die "Node 20 or newer is needed (found ${node:-none}): get it from https://nodejs.org"
    command -v npm >/dev/null || die "npm is needed and comes with Node: get it from https://nodejs.org"
}

# apt --------------------------------------------------------------------------------------------

# Names of packages in the list that are absent, or there in a version that does not fit.
apt_missing() {
    local name wanted installed
    while read -r name wanted; do
        # shellcheck disable=SC2016  # the format is dpkg's
        installed=$(dpkg-query -W -f='${db:Status-Status} ${Version}' "$name" 2>/dev/null) || true
        # shellcheck disable=SC2053  # the list's version is a pattern
        [[ $installed == "installed "$wanted ]] || echo "$name=$wanted"
    done < <(packages apt)
}

backports_known() { [ -n "$(apt-cache madison mosquitto | awk '$3 ~ /^2\.0\.21/')" ]; }

# Backports hold the broker. Their address is that of the machine's own Debian archive.
ensure_backports() {
    local codename uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    ! backports_known || return 0
    # shellcheck disable=SC2016  # the format is apt's
    read -r codename uri < <(apt-get indextargets \
        --format '$(ORIGIN)/$(LABEL)/$(CREATED_BY)/$(COMPONENT) $(CODENAME) $(REPO_URI)' |
        awk '$1 == "Debian/Debian/Packages/main" && $2 !~ /-/ && !seen++ { print $2, $3 }') ||
        die "apt knows no Debian archive to take mosquitto 2.0.21 from: install that version by hand, then run make again"
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$codename-backports" \
        >/etc/apt/sources.list.d/tenon-backports.sources
    [ ! -e "$keyring" ] || echo "Signed-By: $keyring" >>/etc/apt/sources.list.d/tenon-backports.sources
    apt_update
    backports_known ||
        die "$codename-backports at $uri has no mosquitto 2.0.21: install that version by hand, then run make again"
}

apt_update() {
    apt-get update -qq >"$log" 2>&1 ||
        die "apt-get update failed ($(tail -n 1 "$log")): fix the machine's apt sources, then run make again"
}

# Packages that bring a service would start it and, for Postgres, make a cluster. Tenon runs its
# own: while apt works, a policy says no to both, and what was there before comes back afterwards.
POLICY=/usr/sbin/policy-rc.d
CLUSTERS=/etc/postgresql-common/createcluster.conf
hold_services() {
    if [ ! -e "$POLICY" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$POLICY"
        chmod 755 "$POLICY"
        restore+=("rm -f $POLICY")
    fi
    dpkg-query -W postgresql-common >/dev/null 2>&1 || apt_install postgresql-common
    cp -a "$CLUSTERS" "$CLUSTERS.before-tenon"
    restore+=("mv $CLUSTERS.before-tenon $CLUSTERS")
    pg_conftool "$CLUSTERS" set create_main_cluster false
}
release_services() {
    local undo
    for undo in "${restore[@]}"; do $undo; done
    restore=()
}
restore=()

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; die "apt could not install the packages above (whole log: $log): fix what it names, then run make again"; }
}

# A service that came with these packages must not start at the next boot either.
disable_new_services() {
    local service
    for service in mosquitto pgbouncer; do
        [[ " $* " != *" $service="* ]] || systemctl disable --quiet "$service" 2>/dev/null || true
    done
}

install_apt() {
    local missing log
    mapfile -t missing < <(apt_missing)
    [ "${#missing[@]}" -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        die "this is not a Debian: install by hand what scripts/packages lists under apt, then run make again"
    if [ "$(id -u)" != 0 ]; then
        say "apt: ${#missing[@]} packages, through sudo"
        sudo -n "$0" apt || die "system packages need root: run 'sudo scripts/setup.sh apt' once, then make again"
        return
    fi
    log=$(mktemp /tmp/tenon-apt.XXXXXX)
    say "apt: installing ${#missing[@]} packages (1-3 minutes): ${missing[*]%%=*}"
    apt_update
    ensure_backports
    trap release_services EXIT
    hold_services
    apt_install "${missing[@]}"
    disable_new_services "${missing[@]}"
    release_services
    trap - EXIT
    rm -f "$log"
}

# cargo, pip, npm --------------------------------------------------------------------------------

# The log of cargo itself goes to the terminal: the first build takes minutes.
install_cargo() {
    local name version flags
    while read -r name version; do
        grep -qs "^\"$name $version " "$TOOLS/tools/.crates.toml" && continue
        flags=(--locked)
        if [ "$name" = postrust-server ]; then
            command -v postgrest >/dev/null && continue
            flags=(--features compat-key-order) # its own lock file does not resolve
        fi
        [ "$name" != pgmq ] || flags+=(--features cli)
        say "cargo: building $name $version (once for all checkouts, 2-5 minutes)"
        CARGO_TARGET_DIR=$TOOLS/build cargo install --root "$TOOLS/tools" --version "$version" "${flags[@]}" "$name" ||
            die "cargo could not build $name $version: see above; once fixed, run make again (it resumes)"
    done < <(packages cargo)
    rm -rf "$TOOLS/build"
}

install_pip() {
    local name version venv=$TOOLS/python
    while read -r name version; do
        [ "$("$venv/bin/pip" show "$name" 2>/dev/null | awk '$1 == "Version:" { print $2 }')" = "$version" ] && continue
        say "pip: $name $version"
        [ -x "$venv/bin/pip" ] || /usr/bin/python3 -m venv "$venv" || die "python3 could not make an environment in $venv: see above"
        "$venv/bin/pip" install -q "$name==$version" ||
            die "pip could not install $name $version: see above; once fixed, run make again"
        ln -sf "$venv/bin/$name" "$TOOLS/tools/bin/$name"
    done < <(packages pip)
}

install_npm() {
    local stamp=$ROOT/node_modules/.tenon-lock
    cmp -s "$ROOT/package-lock.json" "$stamp" && return
    say "npm: installing what package-lock.json lists"
    (cd "$ROOT" && npm ci --no-audit --no-fund --loglevel=error) ||
        die "npm ci failed: see above; once fixed, run make again"
    cp "$ROOT/package-lock.json" "$stamp"
}

# Postgres' binaries find their folders relative to where they are: a copy is a whole installation,
# into which the extension goes without root and without touching the system's files.
copy_postgres() {
    local system=/usr/lib/postgresql/$PG_MAJOR share=share/postgresql/$PG_MAJOR version
    version=$(dpkg-query -W -f='${Version}\n' "postgresql-$PG_MAJOR" "postgresql-$PG_MAJOR-pgtap" \
        "postgresql-$PG_MAJOR-cron" "postgresql-$PG_MAJOR-plpgsql-check" "postgresql-server-dev-$PG_MAJOR")
    [ "$(cat "$PG_HOME/version" 2>/dev/null)" = "$version" ] && return
    say "postgres: a private copy of the installed one in .tenon/pg"
    mkdir -p "$PG_BIN" "$PG_HOME/$share" "$(dirname "$PG_BIN")/lib"
    cp --remove-destination "$system"/bin/* "$PG_BIN/"
    cp -rsf "$system/lib/." "$(dirname "$PG_BIN")/lib/"
    cp -rsf "/usr/$share/." "$PG_HOME/$share/"
    ln -sfn /usr/include "$PG_HOME/include"
    echo "$version" >"$PG_HOME/version"
}

# ------------------------------------------------------------------------------------------------

# What the stamp stands for: the lists, this script, the tools' folder, the languages.
fingerprint() {
    {
        cat "$ROOT/scripts/packages" "$ROOT/scripts/setup.sh" "$ROOT/package-lock.json"
        echo "$TOOLS"
        command -v rustc node npm postgrest || true
    } | sha256sum
}

all_there() {
    [ "$(cat "$stamp" 2>/dev/null)" = "$(fingerprint)" ] &&
        [ -x "$PG_BIN/postgres" ] && [ -x "$ROOT/node_modules/.bin/supabase" ] &&
        [ -x "$TOOLS/tools/bin/cargo-pgrx" ] && command -v mosquitto rustc node >/dev/null
}

stamp=$STATE/setup-$purpose
if [ "$purpose" = apt ]; then
    install_apt
    exit
fi
if ! all_there; then
    require_languages
    install_apt
    make_state
    mkdir -p "$TOOLS/tools/bin"
    exec {lock}>"$TOOLS/lock"
    flock "$lock" # another checkout may be at it
    install_cargo
    install_pip
    install_npm
    copy_postgres
    fingerprint >"$stamp"
fi
