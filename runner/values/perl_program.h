#pragma once

namespace enjoin {

/// What our perl process runs (perl_helper.h). Expressions are compiled in package main, where the
/// functions that they may call are; ours are in package Enjoin.
///
/// A request is a list of strings, each with its length before it, and the whole likewise; so is
/// an answer. The first string says what is asked for:
///   define  id, code, group...           -> ok
///   job     seq, total, count, value..., then id, slot, $_ for each expression
///                                        -> ok or skip, then for each `q` or `u` and the new $_
///   test    seq, total, count, value..., code -> ok or skip, then 1 or nothing
/// Where the code is wrong or dies, the answer is: error, what perl says.
inline constexpr const char* kPerlProgram = R"PERL(
package main;
BEGIN {
  *CORE::GLOBAL::exit = sub (;$) {
    $Enjoin::exit = @_ ? $_[0] & 255 : 0;
    die "exit\n";
  };
}
sub seq { $Enjoin::seq }
sub slot { $Enjoin::slot }
sub total_jobs { $Enjoin::total }
sub skip { $Enjoin::skip = 1 }
sub uq { $Enjoin::unquoted = 1 }
sub hash { require B; B::hash($_[0]) }
sub Q {
  my @quoted = map {
    my $text = defined $_ ? "$_" : "";
    if ($text eq "") {
      $text = "''";
    } elsif ($text =~ m{[^-A-Za-z0-9_.+/]}) {
      $text =~ s/'/'"'"'/g;
      $text = "'$text'";
      $text =~ s/^''//;
      $text =~ s/''$//;
    }
    $text;
  } @_;
  wantarray ? @quoted : "@quoted";
}
*shell_quote = *shell_quote_scalar = \&Q;
sub pQ {
  my @quoted = map { my $text = "$_"; $text =~ s/([\\\$\@"])/\\$1/g; $text } @_;
  wantarray ? @quoted : "@quoted";
}
*perl_quote_scalar = \&pQ;
sub dirname { require File::Basename; File::Basename::dirname(@_) }
sub basename { require File::Basename; File::Basename::basename(@_) }
sub make_regexp_ungreedy { Enjoin::ungreedy($_[0]) }
sub yyyy_mm_dd_hh_mm_ss { Enjoin::time("%04d-%02d-%02dT%02d:%02d:%02d") }
sub yyyy_mm_dd_hh_mm { Enjoin::time("%04d-%02d-%02dT%02d:%02d") }
sub yyyy_mm_dd { Enjoin::time("%04d-%02d-%02d") }
sub yyyymmddhhmmss { Enjoin::time("%04d%02d%02d%02d%02d%02d") }
sub yyyymmddhhmm { Enjoin::time("%04d%02d%02d%02d%02d") }
sub yyyymmdd { Enjoin::time("%04d%02d%02d") }
sub hh_mm_ss { Enjoin::time("%4\$02d:%5\$02d:%6\$02d") }
sub hh_mm { Enjoin::time("%4\$02d:%5\$02d") }
sub hhmmss { Enjoin::time("%4\$02d%5\$02d%6\$02d") }
sub hhmm { Enjoin::time("%4\$02d%5\$02d") }

package Enjoin;
$job = bless {};
sub seq { $Enjoin::seq }
sub slot { $Enjoin::slot }
sub skip { $Enjoin::skip = 1 }
sub total_jobs { $Enjoin::total }
sub AUTOLOAD {
  (my $name = our $AUTOLOAD) =~ s/.*:://;
  return if $name eq "DESTROY";
  die "\$job->$name is not to be had here: seq, slot, skip and total_jobs are\n";
}
sub time {
  no warnings;
  my ($second, $minute, $hour, $day, $month, $year) = localtime;
  sprintf($_[0], $year + 1900, $month + 1, $day, $hour, $minute, $second);
}
# As few as possible where the expression would take as many as possible.
sub ungreedy {
  my ($text, $result) = ($_[0], "");
  while ($text =~ m{\G( \\. | \[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\] | \(\?[^:)]*[:)]
                      | (?:[*+?]|\{\d+(?:,\d*)?\}) ([?+]?) | . )}gxs) {
    my ($piece, $mode) = ($1, $2);
    $piece .= "?" if $piece =~ /^(?:[*+?]|\{\d)/ && $mode eq "";
    $result .= $piece;
  }
  $result;
}
sub compile {
  my $rules = $_[1] ? "use strict 'subs';" : "no strict;";
  no strict;
  no warnings;
  my $code = eval "package main; $rules sub { my \$job = \$Enjoin::job;\n" .
                  "#line 1 \"the expression\"\n$_[0]\n}";
  die $@ unless $code;
  $code;
}
sub text {
  my $text = defined $_[0] ? "$_[0]" : "";
  utf8::encode($text) if utf8::is_utf8($text);
  $text;
}
sub define {
  my ($id, $text, @groups) = @_;
  no strict 'refs';
  $text =~ s/(\$\{enjoin_group_)\@/$1$id/g;
  ${"main::enjoin_group_${id}_" . ($_ + 1)} = $groups[$_] for 0 .. $#groups;
  $code[$id] = compile($text);
  "ok";
}
sub begin_job {
  my ($numbers) = @_;
  ($Enjoin::seq, $Enjoin::total, my $count) = splice(@$numbers, 0, 3);
  @main::arg = (undef, splice(@$numbers, 0, $count));
  ($Enjoin::slot, $Enjoin::skip, $Enjoin::unquoted) = (1, 0, 0);
}
sub job {
  begin_job(\@_);
  my @results;
  while (@_) {
    my ($id, $at, $value) = splice(@_, 0, 3);
    ($Enjoin::slot, $Enjoin::unquoted) = ($at, 0);
    local $_ = $value;
    $code[$id]->();
    push @results, ($Enjoin::unquoted ? "u" : "q") . text($_);
  }
  ($Enjoin::skip ? "skip" : "ok", @results);
}
sub test {
  begin_job(\@_);
  local $_ = $main::arg[1];
  my $yes = compile($_[0], 1)->();
  ($Enjoin::skip ? "skip" : "ok", $yes ? "1" : "");
}
sub answer {
  my $what = shift;
  my @answer;
  @answer = eval {
    $what eq "job" ? job(@_) : $what eq "test" ? test(@_) : define(@_);
  } unless defined $Enjoin::exit;
  return ("exit", $Enjoin::exit) if defined $Enjoin::exit;
  return @answer if @answer;
  my $error = text($@);
  $error =~ s/\s+$//;
  ("error", $error);
}

$Global::max_jobs_running = shift @ARGV;
open(my $in, "<&", \*STDIN) or CORE::exit(1);
open(my $out, ">&", \*STDOUT) or CORE::exit(1);
open(STDIN, "<", "/dev/null");
open(STDOUT, ">&", \*STDERR);
select((select(STDOUT), $| = 1)[0]);
binmode($_) for $in, $out;
my ($asked, $said) = ("", "");
while (sysread($in, $asked, 1 << 18, length $asked)) {
  while (length($asked) >= 4) {
    my $size = unpack("N", $asked);
    last if length($asked) < 4 + $size;
    my @question = unpack("(N/a*)*", substr($asked, 4, $size));
    substr($asked, 0, 4 + $size, "");
    $said .= pack("N/a*", pack("(N/a*)*", answer(@question)));
  }
  while (length $said) {
    my $done = syswrite($out, $said);
    CORE::exit(1) unless defined $done;
    substr($said, 0, $done, "");
  }
}
)PERL";

}  // namespace enjoin
