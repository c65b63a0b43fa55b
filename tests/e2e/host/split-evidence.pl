#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# usage: split-evidence.pl EVIDENCE NONCE CHANNEL DIR
# For an auditor who uses nothing of ours: the parts of a container (docs/attestation.md) as files
# for tpm2-tools, and in DIR/qualify what the quote's qualifying data must be.
use strict;
use warnings;
use Digest::SHA qw(sha256 sha256_hex);

die "usage: split-evidence.pl EVIDENCE NONCE CHANNEL DIR\n" unless @ARGV == 4;
my ($file, $nonce, $channel, $dir) = @ARGV;
my @name = qw(? report ak identity ek certificate eventlog pcrs quote.msg quote.sig);

sub save {
	my ($name, $content) = @_;
	open(my $out, '>:raw', "$dir/$name") or die "$dir/$name: $!\n";
	print $out $content;
	close($out) or die "$dir/$name: $!\n";
}

open(my $in, '<:raw', $file) or die "$file: $!\n";
my $all = do { local $/; <$in> };
# An object of the identity key: its content alone.
$all = substr($all, 16, length($all) - 80) if substr($all, 0, 8) eq 'CAIRN-OB';
die "no evidence\n" unless substr($all, 0, 12) eq "CAIRN-EV\0\1\0\1";
my ($at, $bound) = (12, 0);
while ($at < length($all)) {
	my ($id, $zero, $len) = unpack('nnN', substr($all, $at, 8));
	my $content = substr($all, $at + 8, $len);
	die "cut short\n" if !defined($len) || length($content) != $len || $id < 1 || $id > 9;
	$bound = $at if $id == 8;
	# A TPMT_PUBLIC with its size in front is what tpm2-tools call tss form.
	save("$name[$id].pub", pack('n', $len) . $content) if $id >= 2 && $id <= 4;
	save($name[$id], $content) if $id < 2 || $id > 4;
	if ($id == 7) {
		# As tpm2_quote writes it: C structs of a little-endian machine.
		my ($mask, @pcr) = (unpack('N', $content), unpack('x4 (a32)*', $content));
		my $lists = int((@pcr + 7) / 8);
		my $out = pack('V v C C3 x', 1, 0x0b, 3, $mask & 255, $mask >> 8 & 255, $mask >> 16);
		$out .= "\0" x (132 - length($out)) . pack('V', $lists);
		for my $i (0 .. $lists - 1) {
			my @some = @pcr[$i * 8 .. ($i * 8 + 7 > $#pcr ? $#pcr : $i * 8 + 7)];
			my $list = pack('V', scalar @some) . join('', map { pack('v a64', 32, $_) } @some);
			$out .= $list . "\0" x (532 - length($list));
		}
		save('pcrs.serialized', $out);
		save('pcrs', substr($content, 4));
	}
	$at += 8 + $len;
}
save('qualify', sha256_hex('cairn-evidence-1' . pack('H*', $nonce) . pack('H*', $channel) .
		sha256(substr($all, 0, $bound))));
