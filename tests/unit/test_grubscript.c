// SPDX-License-Identifier: Apache-2.0
/* Scripts, and what GRUB 2.06 measures of them: grub-core/script of its source; PCR 8 of a real
 * start is compared in tests/e2e/33-pcr.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grubenv.h"
#include "grubscript.h"

/* The machine: it writes down what was asked of it. */
static char said[8192];
static uint8_t env[GRUBSCRIPT_ENV_BYTES];
static bool env_there, env_takes, file_there;
static const char *file_text;
static struct err err;

static void say(const char *what, const char *line)
{
	size_t used = strlen(said);

	assert_true(used + strlen(what) + strlen(line) + 2 < sizeof(said));
	(void)snprintf(said + used, sizeof(said) - used, "%s%s\n", what, line);
}

static int on_command(void *ctx, const char *line, bool quiet)
{
	(void)ctx;
	say(quiet ? "~" : "", line);
	return 0;
}

static int on_read(void *ctx, const char *path, const char **ret_text, size_t *ret_len)
{
	(void)ctx;
	say("> ", path);
	if (!file_there)
		return -ENOENT;
	*ret_text = file_text;
	*ret_len = strlen(file_text);
	return 0;
}

static int on_load(void *ctx, const char *path, const char *arguments)
{
	(void)ctx;
	say("! ", path);
	say("! ", arguments);
	return file_there ? 0 : -ENOENT;
}

static int on_env_read(void *ctx, const char *path, uint8_t ret[static GRUBSCRIPT_ENV_BYTES])
{
	(void)ctx;
	(void)path;
	memcpy(ret, env, sizeof(env));
	return env_there ? 0 : -ENOENT;
}

static int on_env_write(void *ctx, const char *path,
			const uint8_t block[static GRUBSCRIPT_ENV_BYTES])
{
	(void)ctx;
	(void)path;
	if (!env_takes)
		return -EIO;
	memcpy(env, block, sizeof(env));
	return 0;
}

static const struct grubscript_machine machine = {
	.command = on_command,
	.read = on_read,
	.load = on_load,
	.env_read = on_env_read,
	.env_write = on_env_write,
};

static int run(const char *text, enum grubscript_end *end)
{
	struct grubscript *g = grubscript_new();
	int rc;

	assert_non_null(g);
	said[0] = err.msg[0] = '\0';
	assert_int_equal(grubscript_set(g, "given", "a  b"), 0);
	rc = grubscript_run(g, &machine, text, strlen(text), false, end, &err);
	grubscript_free(g);
	return rc;
}

static int reset(void **state)
{
	(void)state;
	memset(env, '#', sizeof(env));
	memcpy(env, "# GRUB Environment Block\n", 25);
	env_there = env_takes = file_there = true;
	file_text = "true\n";
	return 0;
}

static void is(const char *text, const char *want)
{
	enum grubscript_end end;

	if (run(text, &end))
		fail_msg("%s", err.msg);
	assert_string_equal(said, want);
}

static void test_words(void **state)
{
	(void)state;
	/* Blanks between words are one, those inside are kept; empty words in quotes are words. */
	is("echo  a   b # c\n", "echo a b\n");
	is("echo \"$given\" '$given'\n", "echo a  b $given\n");
	is("echo \"\" ''\n", "echo  \n");
	is("echo $none x ${none}\n", "echo x\n");
	is("[ -n \"$none\" ]\n", "[ -n  ]\n");
	is("set a=1; echo \"$a:$a\" x${a}y$a\n", "set a=1\necho 1:1 x1y1\n");
	is("echo \"a\\\"b\\\\c\\$d\\e\"\n", "echo a\"b\\c$d\\e\n");
	is("echo 'a*?\\'\n", "echo a*?\\\n");
	is("set root=(hd0,gpt3); echo ($root)/x\n", "set root=(hd0,gpt3)\necho (hd0,gpt3)/x\n");
	is("echo if then fi a#b\n", "echo if then fi a#b\n");
}

static void test_if(void **state)
{
	(void)state;
	is("if true; then\n echo a\nelse\n echo b\nfi\n", "true\necho a\n");
	is("if false; then echo a; else echo b; fi\n", "false\necho b\n");
	is("if false; then\n echo a\nfi\n", "false\n");
	is("if [ 1 = 2 ]; then echo a; elif [ 1 != 2 ]; then echo b; else echo c; fi\n",
	   "[ 1 = 2 ]\n[ 1 != 2 ]\necho b\n");
	is("if [ -z \"\" ]; then if test -n \"\"; then echo a; fi; echo b; fi\n",
	   "[ -z  ]\ntest -n \necho b\n");
	/* The last command of a condition decides. */
	is("if false; true; then echo a; fi\n", "false\ntrue\necho a\n");
}

static void test_functions(void **state)
{
	(void)state;
	is("function f {\n echo \"$1\" \"$2\"\n if [ \"$1\" = x ]; then\n return 1\n fi\n echo "
	   "end\n}\nif f y z; then echo true; fi\nif f x; then echo true; else echo no; fi\n",
	   "f y z\necho y z\n[ y = x ]\necho end\necho true\n"
	   "f x\necho x \n[ x = x ]\nreturn 1\necho no\n");
	/* A function without `return` is what its last command was. */
	is("function g {\n false\n}\nfunction f {\n g\n}\nif f; then echo a; fi\n",
	   "f\ng\nfalse\n");
	/* $1 is the caller's again afterwards. */
	is("function g {\n true\n}\nfunction f {\n g y\n echo $1\n}\nf x\n",
	   "f x\ng y\ntrue\necho x\n");
}

static void test_env(void **state)
{
	char value[16];

	(void)state;
	is("set a=1\nset b=x\nif save_env -f F a b; then echo saved; fi\nset a=\nload_env "
	   "--skip-sig "
	   "-f F a\necho $a$b\n",
	   "set a=1\nset b=x\nsave_env -f F a b\necho saved\nset a=\nload_env --skip-sig -f F "
	   "a\necho "
	   "1x\n");
	assert_int_equal(grubenv_get(env, sizeof(env), "b", value, sizeof(value)), 0);
	assert_string_equal(value, "x");
	env_takes = false;
	is("if save_env -f F a; then echo saved; fi\n", "save_env -f F a\n");
	env[0] = 'X';
	is("set a=7\nif load_env --skip-sig -f F a; then echo read; fi\necho $a\n",
	   "set a=7\nload_env --skip-sig -f F a\necho 7\n");
	env_there = false;
	is("if save_env -f F a; then echo saved; fi\n", "save_env -f F a\n");
}

static void test_regexp(void **state)
{
	(void)state;
	is("if regexp --set=1:x --set=2:y '^(a+)(b)?$' \"aa\"; then echo \"$x-$y\"; fi\n",
	   "regexp --set=1:x --set=2:y ^(a+)(b)?$ aa\necho aa-\n");
	/* Without a match nothing is set; what looks like an option is an error, so false. */
	is("set x=1\nregexp --set=1:x '(b)' a\necho $x\n",
	   "set x=1\nregexp --set=1:x (b) a\necho 1\n");
	is("if regexp a -a; then echo a; fi\n", "regexp a -a\n");
	is("if regexp a; then echo a; fi\n", "regexp a\n");
}

static void test_ends(void **state)
{
	enum grubscript_end end;

	(void)state;
	assert_int_equal(run("chainloader (hd0)/k a b=c\nboot\necho never\n", &end), 0);
	assert_int_equal(end, GRUBSCRIPT_BOOT);
	assert_string_equal(said, "chainloader (hd0)/k a b=c\n! (hd0)/k\n! a b=c\nboot\n");
	assert_int_equal(run("source X\nsleep 3\nreboot\necho never\n", &end), 0);
	assert_int_equal(end, GRUBSCRIPT_REBOOT);
	assert_string_equal(said, "source X\n> X\ntrue\nsleep 3\nreboot\n");
	/* Nothing is loaded: boot comes back, false; source is true whatever happens. */
	file_there = false;
	assert_int_equal(
		run("source X\nif chainloader X; then echo a; fi\nif boot; then echo b; fi\n",
		    &end),
		0);
	assert_int_equal(end, GRUBSCRIPT_DONE);
	assert_string_equal(said, "source X\n> X\nchainloader X\n! X\n! \nboot\n");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{ "insmod x\n", -ENOTSUP },
		{ "a=b\n", -ENOTSUP },
		{ "echo a | b\n", -ENOTSUP },
		{ "echo a > b\n", -ENOTSUP },
		{ "echo a && b\n", -ENOTSUP },
		{ "echo *\n", -ENOTSUP },
		{ "echo a?\n", -ENOTSUP },
		{ "echo a\\ b\n", -ENOTSUP },
		{ "echo $?\n", -ENOTSUP },
		{ "echo $@\n", -ENOTSUP },
		{ "echo $0\n", -ENOTSUP },
		{ "echo $12\n", -ENOTSUP },
		{ "echo $\"x\"\n", -ENOTSUP },
		{ "echo ${a\n", -ENOTSUP },
		{ "echo 'a\n", -ENOTSUP },
		{ "echo \"a\nb\"\n", -ENOTSUP },
		{ "echo \"a\\\nb\"\n", -ENOTSUP },
		{ "echo $given\n", -ENOTSUP },
		{ "$none\n", -ENOTSUP },
		{ "! true\n", -ENOTSUP },
		{ "for a in b; do true; done\n", -ENOTSUP },
		{ "while true; do true; done\n", -ENOTSUP },
		{ "[[ a ]]\n", -ENOTSUP },
		{ "menuentry x { true\n}\n", -ENOTSUP },
		{ "if true; then true\n", -ENOTSUP },
		{ "if true; then fi\n", -ENOTSUP },
		{ "if true then true; fi\n", -ENOTSUP },
		{ "fi\n", -ENOTSUP },
		{ "function f { true }\n", -ENOTSUP },
		{ "function f {\n true\n", -ENOTSUP },
		{ "function f {\n true\n}\nfunction f {\n true\n}\n", -ENOTSUP },
		{ "function 1 {\n true\n}\n", -ENOTSUP },
		{ "if true; then function f {\n true\n}\nfi\n", -ENOTSUP },
		{ "[ a ]\n", -ENOTSUP },
		{ "[ a -eq b ]\n", -ENOTSUP },
		{ "[ -f a ]\n", -ENOTSUP },
		{ "return 1\n", -ENOTSUP },
		{ "set\n", -ENOTSUP },
		{ "set a\n", -ENOTSUP },
		{ "load_env -f F a\n", -ENOTSUP },
		{ "load_env --skip-sig a\n", -ENOTSUP },
		{ "regexp --set=x a a\n", -ENOTSUP },
		{ "regexp --set=1:a --set=1:b --set=1:c --set=1:d (a) a\n", -ENOTSUP },
		{ "regexp '[[:alpha:]]' a\n", -ENOTSUP },
		{ "function f {\n f\n}\nf\n", -E2BIG },
		{ "source X\n", -E2BIG }, /* which sources itself */
	};
	enum grubscript_end end;
	size_t i;

	(void)state;
	file_text = "source X\n";
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (run(rows[i].text, &end) != rows[i].rc)
			fail_msg("%s: %s", rows[i].text, err.msg);
		assert_non_null(strstr(err.msg, "line "));
	}
}

static void test_limits(void **state)
{
	static char text[GRUBSCRIPT_SIZE_MAX + 2];
	enum grubscript_end end;
	size_t n = 0;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	assert_int_equal(run(text, &end), -E2BIG);
	memset(text, 'a', 5000);
	text[5000] = '\0';
	assert_int_equal(run(text, &end), -E2BIG);
	/* Too many words, too many commands, too deep. */
	for (n = 0; n < 400; n += 2)
		memcpy(text + n, "a ", 2);
	text[n] = '\0';
	assert_int_equal(run(text, &end), -E2BIG);
	for (n = 0; n < 7000; n += 5)
		memcpy(text + n, "true\n", 5);
	text[n] = '\0';
	assert_int_equal(run(text, &end), -E2BIG);
	for (n = 0; n < 240; n += 3)
		memcpy(text + n, "if ", 3);
	text[n] = '\0';
	assert_int_equal(run(text, &end), -E2BIG);
	/* Doubled 14 times. */
	(void)snprintf(text, sizeof(text), "set a=xxxxxxxxxxxxxxxx\n");
	for (n = 0; n < 14; n++)
		strcat(text, "set a=\"$a$a\"\n");
	assert_int_equal(run(text, &end), -E2BIG);
}

/* Environment blocks: what GRUB's lib/envblk.c does with them. */
static void test_blocks(void **state)
{
	uint8_t b[64];
	char v[32];

	(void)state;
	memset(b, '#', sizeof(b));
	memcpy(b, "# GRUB Environment Block\n", 25);
	assert_int_equal(grubenv_get(b, sizeof(b), "a", v, sizeof(v)), -ENOENT);
	assert_int_equal(grubenv_set(b, sizeof(b), "a", "1"), 0);
	assert_int_equal(grubenv_set(b, sizeof(b), "bb", "x\\y"), 0);
	assert_memory_equal(b + 25, "a=1\nbb=x\\\\y\n#", 13);
	assert_int_equal(grubenv_get(b, sizeof(b), "bb", v, sizeof(v)), 0);
	assert_string_equal(v, "x\\y");
	assert_int_equal(grubenv_get(b, sizeof(b), "bb", v, 3), -EFBIG);
	/* Longer, shorter, and no room. */
	assert_int_equal(grubenv_set(b, sizeof(b), "a", "123"), 0);
	assert_memory_equal(b + 25, "a=123\nbb=x\\\\y\n#", 15);
	assert_int_equal(grubenv_set(b, sizeof(b), "a", ""), 0);
	assert_memory_equal(b + 25, "a=\nbb=x\\\\y\n###", 14);
	assert_int_equal(grubenv_set(b, sizeof(b), "a", "123456789012345678901234567890"), -ENOSPC);
	assert_int_equal(grubenv_set(b, sizeof(b), "c", "123456789012345678901234567890"), -ENOSPC);
	b[63] = 'x';
	assert_int_equal(grubenv_set(b, sizeof(b), "a", "1"), -EBADMSG);
	b[0] = 'x';
	assert_int_equal(grubenv_set(b, sizeof(b), "a", "1"), -EBADMSG);
	assert_int_equal(grubenv_get(b, sizeof(b), "a", v, sizeof(v)), -EBADMSG);
	/* The last of two lines counts; damage ends the block. */
	memcpy(b, "# GRUB Environment Block\na=1\na=2\na=3", 36);
	memset(b + 36, '#', sizeof(b) - 36);
	assert_int_equal(grubenv_get(b, sizeof(b), "a", v, sizeof(v)), 0);
	assert_string_equal(v, "2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_words, reset),
		cmocka_unit_test_setup(test_if, reset),
		cmocka_unit_test_setup(test_functions, reset),
		cmocka_unit_test_setup(test_env, reset),
		cmocka_unit_test_setup(test_regexp, reset),
		cmocka_unit_test_setup(test_ends, reset),
		cmocka_unit_test_setup(test_refused, reset),
		cmocka_unit_test_setup(test_limits, reset),
		cmocka_unit_test_setup(test_blocks, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
