// SPDX-License-Identifier: Apache-2.0
/* cairn: the one host command. Each subcommand is a file of its own; this one finds it. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"

static const struct {
	const char *name;
	cmd_fn *run;
	const char *what;  /* one line for `cairn help` */
	const char *usage; /* all of it for `cairn help NAME` */
} commands[] = {
	{ "verity", cmd_verity, "dm-verity tree of a root file system",
	  "cairn verity FILE --salt HEX [--append]\n"
	  "cairn verity FILE --salt HEX --check --blocks N [--roothash HEX]\n"
	  "  Computes the hash tree (SHA-256, 4096/4096, version 1, no superblock) over FILE,\n"
	  "  padded with zeros to 4096 bytes, and prints\n"
	  "      roothash=HEX\n"
	  "      blocks=N         data blocks of 4096 bytes\n"
	  "      tree_blocks=N\n"
	  "  --append  pads FILE and writes the tree after it, top level first\n"
	  "  --check   FILE already ends in its tree: exit 1 where a block or the root differs\n" },
	{ "fat", cmd_fat, "FAT file system image with fixed bytes",
	  "cairn fat OUT --size BYTES --type 12|16|32 --label LABEL --id HEX8\n"
	  "          [--cluster BYTES] [--align BYTES] [--map] PATH=FILE...\n"
	  "  Makes the file system image OUT (BYTES take K, M, G). Folders of PATH are made;\n"
	  "  every file lies in one piece, in the given order, times are 1980-01-01.\n"
	  "  --cluster  512 unless told; FAT32 of 64M needs 512, FAT16 of 64M takes 2K or 4K\n"
	  "  --align    each file begins at a multiple of it\n"
	  "  --map      prints a line `OFFSET SIZE PATH` for each file, in bytes\n" },
	{ "disk", cmd_disk, "disk image with its GPT",
	  "cairn disk OUT --conf conf/disk.conf NAME=FILE...\n"
	  "  Makes the sparse raw image OUT as the layout says; NAME=FILE fills the partition\n"
	  "  cairn-NAME (esp, state, boot-a, root-a, boot-b, root-b, data); others stay zero.\n" },
	{ "state", cmd_state, "STATE partition with its boot state",
	  "cairn state OUT [a|b]\n"
	  "  Makes the FAT image of the STATE partition: both slots good, a primary unless told.\n"
	  "cairn state --show IMAGE BYTE\n"
	  "  What the boot state says in the STATE partition that begins at BYTE of IMAGE.\n"
	  "cairn state --set IMAGE BYTE KEY=VALUE...\n"
	  "  Changes it as the device does: the older copy, read back. Keys: primary, booted (a, "
	  "b),\n"
	  "  a_good, b_good (0, 1), a_tries, b_tries (0 to 3), esp (1, 2).\n" },
	{ "data", cmd_data, "DATA of a disk outside its machine",
	  "cairn data show DISK\n"
	  "  What the key header of an encrypted DATA says: to what its key is sealed. No secret.\n"
	  "cairn data recover DISK OUT --recovery KEY\n"
	  "  With the owner's recovery key (P-256, PEM): the file system of DATA, decrypted, as "
	  "the\n"
	  "  image OUT. Exit 1 where the key is another one.\n"
	  "  DISK is a disk or its image, with its partition table.\n" },
	{ "sign", cmd_sign, "signatures for firmware and GRUB, made apart and attached",
	  "cairn sign --authenticode FILE --key KEY --cert CERT --out SIG\n"
	  "  signs a PE image (GRUB, kernel) for the firmware's db: PKCS #7 in DER\n"
	  "cairn sign --attach FILE SIG OUT\n"
	  "  writes the signed image; exit 1 where SIG is not for FILE\n"
	  "cairn sign --hash FILE\n"
	  "  prints the Authenticode hash of FILE as it is, which firmware measures into PCR 4\n"
	  "cairn sign --pgp --key KEY FILE... [--out SIG]\n"
	  "  signs files for GRUB: detached OpenPGP signatures, FILE.sig unless told\n"
	  "cairn sign --pgp-check --key KEY FILE SIG\n"
	  "  exit 1 where SIG is not KEY's signature of FILE\n"
	  "cairn sign --pgp-public --key KEY OUT\n"
	  "  writes the public key for `grub-mkimage --pubkey`\n"
	  "  Keys are RSA in PEM, 2048 to 4096 bits; the last two take a public one too. Same\n"
	  "  arguments, same bytes: PKCS #1 v1.5, SHA-256; the signing time is --time SECONDS\n"
	  "  since 1970, or 2024-01-01.\n" },
	{ "slotcfg", cmd_slotcfg, "slot.cfg: what GRUB does in a slot",
	  "cairn slotcfg --template FILE --kernel HEX --roothash HEX --blocks N --salt HEX\n"
	  "              --version V [WORD...]\n"
	  "  Prints the one line of slot.cfg: the template (bootloader/slot.cfg.in) with\n"
	  "  @KERNEL@, @ROOTHASH@, @ROOTBLOCKS@, @SALT@, @VERSION@, and @EXTRA@ for the WORDs. "
	  "Refuses\n"
	  "  characters that GRUB's script or the kernel would read differently.\n" },
	{ "manifest", cmd_manifest, "manifest.json: sizes, hashes and versions of the outputs",
	  "cairn manifest OUT KEY=VALUE... -- NAME=FILE...\n"
	  "  Writes OUT as canonical JSON: keys sorted, one member a line, as `jq -S .` prints.\n"
	  "  KEY=VALUE is a string, KEY:=VALUE a number, true or false; GROUP.KEY=VALUE goes\n"
	  "  into the object GROUP; each NAME=FILE becomes files.NAME with sha256 and size.\n" },
	{ "trust", cmd_trust, "whose signatures count: make, rotate, sign, look at",
	  "cairn trust create OUT --expires TIME --root T:KEY,... --release T:KEY,...\n"
	  "            --channel T:KEY,... [--number N] [--key KEY...]\n"
	  "  the first trust: each role's keys, T of which must sign; --key signs it at once\n"
	  "cairn trust rotate OLD OUT [--expires TIME] [--root ...] [--release ...]\n"
	  "            [--channel ...] [--key KEY...]\n"
	  "  the one after OLD; roles that are not named stay as they are\n"
	  "cairn trust inspect FILE\n"
	  "cairn trust verify FILE...\n"
	  "  exit 1 where the first is not signed by itself or a further one does not follow\n"
	  "cairn trust sign FILE ...\n"
	  "  as `cairn bundle sign`\n"
	  "  TIME is YYYY-MM-DD or seconds since 1970. KEYs are P-256 in PEM; for a role the\n"
	  "  public part is enough.\n" },
	{ "keys", cmd_keys, "an owner's keys: make, look at, enrol, recover DATA",
	  "cairn keys init DIR [--owner NAME] [--expires TIME] [--token LABEL --module LIBRARY]\n"
	  "           [--also CERT...] [--revoke WHAT...] [--time TIME]\n"
	  "  Makes the folder DIR for `make image KEYS=DIR`: keys for Secure Boot (PK, KEK, db), "
	  "for\n"
	  "  GRUB (slot), for updates (root, release, channel, and the trust that names them), "
	  "the\n"
	  "  recovery key of DATA, and what a machine in Setup Mode is given (*.auth).\n"
	  "  --token, --module  keys in a token (PKCS #11), whose PIN is the environment's "
	  "CAIRN_PIN\n"
	  "  --expires          of trust; ten years from now unless told\n"
	  "cairn keys show DIR\n"
	  "  what is there, and `insecure=yes|no`; exit 1 where something is missing or does not "
	  "fit\n"
	  "cairn keys enrol DIR [--also CERT...] [--revoke WHAT...] [--time TIME]\n"
	  "  makes the *.auth files anew; needs PK.key and KEK.key\n"
	  "  --also    a further certificate for db, as a key that is to follow\n"
	  "  --revoke  for dbx: a certificate, a GRUB or kernel, or an Authenticode hash\n"
	  "  --time    of the signatures (now unless told): firmware takes later ones only\n"
	  "cairn keys recovery open DISK --key recovery.key --out FILE\n"
	  "  the key of the DATA partition of DISK (a disk, its image, or the partition) to "
	  "FILE\n" },
	{ "install", cmd_install, "a bundle into the slot of a disk that does not run",
	  "cairn install --trust FILE BUNDLE DISK [--slot a|b] [--compatible WORD]\n"
	  "              [--no-activate] [--time TIME]\n"
	  "  Writes a signed bundle, full or delta, into a slot of a disk or an image file as a\n"
	  "  machine would: checks signatures and every piece, leaves what is right already, "
	  "reads\n"
	  "  all back from the medium, and makes the slot the next to start, on trial. A second\n"
	  "  run goes on where one ended. Prints slot, version, release, and the bytes fetched,\n"
	  "  written and skipped; exit 1 where the bundle is refused or the delta does not fit.\n"
	  "  --slot         the one that is not primary unless told\n"
	  "  --compatible   refuse a bundle for other machines\n"
	  "  --no-activate  write only\n"
	  "  --time         of the check that trust has not expired; now unless told\n" },
	{ "bundle", cmd_bundle, "a release in one signed file",
	  "cairn bundle create OUT --boot FILE --root FILE --salt HEX [--blocks N]\n"
	  "            [--roothash HEX] [--esp FILE --generation N]\n"
	  "            --compatible WORD --architecture WORD --version WORD --release N\n"
	  "            [--floor N] [--stage1 N] [--encoding raw|zstd|x86-zstd]\n"
	  "            [--loader GENERATION=FILE...] [--frame BYTES] [--level 1..22]\n"
	  "            [--zstd PROGRAM] [--key KEY...]\n"
	  "  --blocks    data blocks of the root, where its hash tree is in FILE too\n"
	  "  --roothash  what its root hash must be\n"
	  "  --stage1    the least generation of the stage-1 loader that the release needs\n"
	  "  --loader    a stage-1 loader that may start it, 4 at most: its file, an ESP with it, "
	  "or\n"
	  "              its Authenticode hash; that of --esp is one, and one there must be: the\n"
	  "              manifest has PCR 4 for each\n"
	  "  --encoding  of the root: x86-zstd for x86_64, else zstd, unless told\n"
	  "  --zstd      the program that compresses; the bytes depend on it\n"
	  "cairn bundle inspect FILE\n"
	  "cairn bundle verify FILE --trust TRUST... [--time TIME]\n"
	  "  everything in it that can be checked; of a delta, its pieces\n"
	  "cairn bundle extract FILE boot|root|esp OUT\n"
	  "cairn bundle sign FILE --key KEY...\n"
	  "  adds signatures to the file\n"
	  "cairn bundle sign FILE --key KEY... --out SIG\n"
	  "  writes them to SIG, and leaves the file alone\n"
	  "cairn bundle sign FILE --attach SIG...\n"
	  "  adds the signatures of such files\n"
	  "cairn bundle sign FILE --digest | --document OUT\n"
	  "  what is to be signed elsewhere: its SHA-256, or the bytes\n"
	  "cairn bundle sign FILE --attach SIG --public KEY\n"
	  "  adds what was signed elsewhere: 64 bytes r | s, or DER\n" },
	{ "channel", cmd_channel, "the folder that machines get their updates from",
	  "cairn channel publish DIR BUNDLE... [--name WORD] [--trust TRUST...] [--key KEY...]\n"
	  "            [--days N] [--time TIME]\n"
	  "  Lays the bundles (one full one, its deltas), further trusts, and at last the signed\n"
	  "  channel with the next sequence into DIR, which any web server can serve. Without a\n"
	  "  BUNDLE the same content is signed anew: a channel expires after N days, 14 unless\n"
	  "  told. Without --key it waits in DIR/channel.unsigned: `cairn channel sign` it, then\n"
	  "  rename it to channel. The first time --name and a --trust are needed.\n"
	  "cairn channel inspect FILE\n"
	  "cairn channel verify DIR [--trust TRUST...] [--time TIME]\n"
	  "  exit 1 where a machine that ships TRUST (else DIR/trust/1) would refuse something\n"
	  "cairn channel sign FILE ...\n"
	  "  as `cairn bundle sign`\n" },
	{ "delta", cmd_delta, "what changed from one release to the next",
	  "cairn delta OLD NEW OUT [--key KEY]...\n"
	  "  The bundle OUT that makes the release of the full bundle NEW of that of the full\n"
	  "  bundle OLD, signed by P-256 keys in PEM. An image whose delta is not smaller goes as\n"
	  "  it is in NEW; an esp goes only where its generation is another.\n"
	  "cairn delta --raw OLDFILE NEWFILE OUT\n"
	  "  the same for any two files, with sizes and hashes in a head of its own\n"
	  "cairn delta --apply OLDFILE DELTA OUT\n"
	  "  the inverse of --raw; exit 1 where DELTA is malformed or not for OLDFILE\n"
	  "  Same files, same libzstd: same bytes.\n" },
	{ "attest", cmd_attest, "is it that machine, and did it start what it should?",
	  "cairn attest nonce\n"
	  "  prints a fresh nonce\n"
	  "cairn attest challenge REQUEST --nonce HEX (--roots PEM | --ek NAME)\n"
	  "            --secret FILE --out CREDENTIAL [--time TIME]\n"
	  "  checks a request for enrolment and makes the credential that its TPM alone can read;\n"
	  "  what it will read stays in FILE\n"
	  "  --roots  certificates of TPM makers, which the EK's certificate must lead to\n"
	  "  --ek     the name of the EK (68 hex digits), where there is no certificate\n"
	  "cairn attest enrol REQUEST --nonce HEX --secret FILE --answer HEX --out MACHINE\n"
	  "  compares the answer and writes what is to be known of the machine from now on\n"
	  "cairn attest verify EVIDENCE --machine MACHINE --nonce HEX [--channel HEX]\n"
	  "            --events LIST... [--root HEX] [--release N] [--object] [--remember]\n"
	  "            [--json]\n"
	  "  everything: keys, magic, type, signer, nonce, PCR selection and digest, signature,\n"
	  "  clock, event log, and each event in one of the LISTs; exit 1 with what failed\n"
	  "  --object    it must have been signed by the identity key too; checked where it is\n"
	  "  --remember  writes the TPM's clock to MACHINE where it was accepted\n"
	  "cairn attest open OBJECT --machine MACHINE [--out FILE]\n"
	  "  the content of an object that the machine's identity key signed\n"
	  "cairn attest show FILE [--extract DIR] [--events LIST] [--json]\n"
	  "  what is in evidence or a request, unchecked\n"
	  "  --extract  its parts as files for tpm2-tools\n"
	  "  --events   the exact list that takes this start and no other\n" },
	{ "pcr", cmd_pcr, "what the TPM will have measured, event by event; a real log beside it",
	  "cairn pcr predict IMAGE|BUNDLE [--json] [--all | --state KEY=VALUE,...] [--disk N]\n"
	  "          [--esp 1|2] [--loader FILE] [KEYS]\n"
	  "  From what was built alone: PCR 4, 8 and 9 of a start, event by event, for the boot\n"
	  "  state of a new disk with each slot as primary; of an image PCR 5 before DATA grows;\n"
	  "  with KEYS PCR 7.\n"
	  "  --all     values for each of the 256 boot states\n"
	  "  --state   one: primary, booted (a, b), a_good, b_good (0, 1), a_tries, b_tries "
	  "(0..3)\n"
	  "  --disk    N of GRUB's name hdN, 0 unless told\n"
	  "  --loader  stage-1 GRUB, or an ESP with it: for a bundle without one, or another one\n"
	  "cairn pcr explain LOG --image FILE|--bundle FILE [--loader FILE] [KEYS]\n"
	  "  Holds a real event log (binary_bios_measurements) against the prediction: position,\n"
	  "  PCR and digest of each event. Exit 1 where one differs; it is named, expected and\n"
	  "  got. Boot state and disk number are read out of the log, then checked with it.\n"
	  "  KEYS: --secureboot none|off|on, and the variables' contents --pk --kek --db --dbx\n"
	  "  FILE (lists, or .auth), or --enrolled CERT [--owner GUID]: PK, KEK and db hold CERT.\n"
	  "  What is exact, what is one of a set, and why: docs/pcr.md.\n" },
	{ "flash", cmd_flash, "write an image to a disk, read it back, compare",
	  "cairn flash IMAGE DEVICE [--yes DEVICE] [--allow-fixed NAME]\n"
	  "  Shows the disk, asks, writes with a progress bar, reads everything back from the\n"
	  "  medium, compares, and moves the backup GPT to the disk's end. Refuses a disk that is\n"
	  "  mounted or otherwise in use, read-only, too small, or not removable.\n"
	  "  --yes DEVICE        no question; the environment's CONFIRM=DEVICE does the same\n"
	  "  --allow-fixed NAME  the kernel's name (sda, nvme0n1, loop0) of a disk that is not\n"
	  "                      removable and is to be erased all the same\n" },
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void overview(FILE *f)
{
	size_t i;

	(void)fputs("usage: cairn COMMAND ARGUMENT...   (cairn help COMMAND tells more)\n\n", f);
	for (i = 0; i < N_COMMANDS; i++)
		(void)fprintf(f, "  %-10s%s\n", commands[i].name, commands[i].what);
	(void)fputs("\nexit: 0 done, 1 refused (content, signature, policy), 100 usage, "
		    "111 system failure\n",
		    f);
}

static int help(const char *name)
{
	size_t i;

	if (!name) {
		overview(stdout);
		return CMD_OK;
	}
	for (i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			(void)fputs(commands[i].usage, stdout);
			return CMD_OK;
		}
	}
	(void)fprintf(stderr, "cairn help: no command `%s`\n", name);
	return CMD_USAGE;
}

int main(int argc, char **argv)
{
	struct err err = { "" };
	size_t i;
	int rc;

	if (argc < 2) {
		overview(stderr);
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)
		return help(argc > 2 ? argv[2] : NULL);
	for (i = 0; i < N_COMMANDS && strcmp(commands[i].name, argv[1]) != 0; i++)
		;
	if (i == N_COMMANDS) {
		(void)fprintf(stderr, "cairn: no command `%s`; `cairn help` lists them\n", argv[1]);
		return CMD_USAGE;
	}
	if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
		return help(argv[1]);
	rc = commands[i].run(argc - 1, argv + 1, &err);
	if (rc && err.msg[0])
		(void)fprintf(stderr, "cairn %s: %s%s%s\n", argv[1], err.msg,
			      rc == CMD_USAGE ? "; see cairn help " : "",
			      rc == CMD_USAGE ? argv[1] : "");
	if (fflush(stdout) || ferror(stdout)) {
		(void)fprintf(stderr, "cairn %s: cannot write to standard output\n", argv[1]);
		return CMD_SYSTEM;
	}
	return rc < 0 ? CMD_SYSTEM : rc;
}
