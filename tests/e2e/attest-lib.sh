# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# attest-lib.sh - a software TPM as its maker delivers it; sourced after lib.sh.
DRIVE=$O/x86_64/bin/quote-drive

# tpm_on DIR - a swtpm on the sockets DIR.s and DIR.s.ctrl, its state in DIR. It goes into the
# background when both are there.
tpm_on() {
	mkdir -p "$1"
	rm -f "$1.s" "$1.s.ctrl"
	swtpm socket --tpm2 --tpmstate "dir=$PWD/$1" --server "type=unixio,path=$PWD/$1.s" \
		--ctrl "type=unixio,path=$PWD/$1.s.ctrl" --flags startup-clear,not-need-init \
		--daemon --pid "file=$PWD/swtpm.pid" >/dev/null 2>&1 || fail "swtpm"
	trap 'kill "$(cat swtpm.pid 2>/dev/null)" 2>/dev/null || :' EXIT
}

# tpm_off - without a word to it, as where the power is cut.
tpm_off() {
	pid=$(cat swtpm.pid) # which it takes with it
	kill "$pid"
	timeout 20 tail --pid="$pid" -f /dev/null || fail "swtpm does not end"
}

# manufacture - the state of a new TPM with an EK certificate in the folder tpm; roots.pem.
manufacture() {
	mkdir ca tpm
	printf 'statedir = %s\nsigningkey = %s\nissuercert = %s\ncertserial = %s\n' "$PWD/ca" \
		"$PWD/ca/signkey.pem" "$PWD/ca/issuercert.pem" "$PWD/ca/certserial" >ca.conf
	printf -- '--platform-manufacturer Cairn\n--platform-version 1\n--platform-model QEMU\n' >ca.options
	printf 'create_certs_tool = swtpm_localca\ncreate_certs_tool_config = %s\ncreate_certs_tool_options = %s\nactive_pcr_banks = sha256\n' \
		"$PWD/ca.conf" "$PWD/ca.options" >setup.conf
	swtpm_setup --tpm2 --tpmstate "$PWD/tpm" --config "$PWD/setup.conf" --create-ek-cert \
		--lock-nvram --pcr-banks sha256 >setup.log 2>&1 || fail "swtpm_setup: $(cat setup.log)"
	cat ca/issuercert.pem ca/swtpm-localca-rootca-cert.pem >roots.pem
}
