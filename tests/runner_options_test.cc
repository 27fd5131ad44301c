#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "runner/cli/flag_table.h"
#include "runner/cli/help.h"
#include "runner/cli/options.h"
#include "support/options.h"

using enjoin::Invocation;
using enjoin::Options;
using enjoin::OutputMode;
using enjoin::parse_command_line;
using enjoin::ProgressKind;
using enjoin::SourceSpec;
using enjoin::Spread;
using enjoin::Verbose;
using namespace enjoin::test;
using namespace std::chrono_literals;

TEST_CASE("options: without any, everything is GNU parallel's default") {
  const Options options = options_of({"echo", "{}", ":::", "a b", "c"});
  CHECK(options.command.words == Words{"echo", "{}"});
  CHECK(options.command.replace_string == "{}");
  CHECK(options.command.spread == Spread::kJoin);
  CHECK(options.command.append_if_absent);
  CHECK(options.batch.max_records == 1);
  CHECK_FALSE(options.spread_batches);
  CHECK(options.input.delimiter == "\n");
  REQUIRE(options.input.sources.size() == 1);
  CHECK(options.input.sources[0].arguments == Words{"a b", "c"});
  CHECK(options.jobs_text.empty());
  CHECK(options.output == OutputMode::kGroup);
  CHECK(options.retries == 1);
}

TEST_CASE("options: -a files come before the sources of the line, in their order") {
  const Options options = options_of({"-a", "f", "--arg-file=-", "echo", ":::", "x", "::::", "g"});
  REQUIRE(options.input.sources.size() == 4);
  CHECK(options.input.sources[0].path == "f");
  CHECK(options.input.sources[1].path == "-");
  CHECK(options.input.sources[2].arguments == Words{"x"});
  CHECK(options.input.sources[3].kind == SourceSpec::Kind::kFile);
  CHECK(options.input.sources[3].path == "g");
}

TEST_CASE("options: no source means stdin, an empty ::: means no jobs") {
  CHECK(options_of({"echo"}).input.sources.empty());
  for (const char* word : {":::", "::::"}) {
    const Options options = options_of({"echo", word});
    REQUIRE(options.input.sources.size() == 1);
    CHECK(options.input.sources[0].kind == SourceSpec::Kind::kArguments);
    CHECK(options.input.sources[0].arguments.empty());
  }
}

TEST_CASE("options: an empty ::: beside another source is one empty value") {
  const Options options = options_of({"echo", ":::", "a", ":::"});
  REQUIRE(options.input.sources.size() == 2);
  CHECK(options.input.sources[1].arguments == Words{""});
}

TEST_CASE("options: ::: with nothing before and after it is a mistake, but where -r or GNU says") {
  CHECK(has(error_of({":::"}), "neither a command before it nor anything after it"));
  CHECK(error_of({"-r", ":::"}) == "no error");
  CHECK(error_of({":::"}, "parallel") == "no error");
  CHECK(error_of({":::", "echo a"}) == "no error");
}

TEST_CASE("options: delimiters may be escapes and several characters") {
  CHECK(options_of({"-0", "echo"}).input.delimiter == std::string(1, '\0'));
  CHECK(options_of({"-d", "\\t", "echo"}).input.delimiter == "\t");
  CHECK(options_of({"-d\\0", "echo"}).input.delimiter == std::string(1, '\0'));
  CHECK(options_of({"-d\\x41", "echo"}).input.delimiter == "A");
  CHECK(options_of({"-d\\101\\0102", "echo"}).input.delimiter == "AB");
  CHECK(options_of({"-d\\r\\n", "echo"}).input.delimiter == "\r\n");
  CHECK(options_of({"-d,.", "echo"}).input.delimiter == ",.");
  CHECK(options_of({"-d\\\\", "echo"}).input.delimiter == "\\");
  CHECK(options_of({"-d\\", "echo"}).input.delimiter == "\\");
  CHECK(options_of({"-0", "-d,", "echo"}).input.delimiter == ",");
}

TEST_CASE("options: an empty delimiter or a wrong escape is refused") {
  CHECK(has(error_of({"-d", "", "echo"}), "for NUL bytes: -0"));
  CHECK(has(error_of({"-d\\,", "echo"}), "-d '\\,'"));
  CHECK(has(error_of({"-d\\x", "echo"}), "these are:"));
  CHECK(has(error_of({"-d\\777", "echo"}), "these are:"));
}

TEST_CASE("options: -d cuts the arguments of ::: too, a newline does not") {
  CHECK(options_of({"-d,", "echo", ":::", "a,b", "c,"}).input.sources[0].arguments ==
        Words{"a", "b", "c", ""});
  CHECK(options_of({"echo", ":::", "a\nb"}).input.sources[0].arguments == Words{"a\nb"});
}

TEST_CASE("options: -n joins, -N and -X repeat the context") {
  const Options joined = options_of({"-n2", "echo"});
  CHECK(joined.batch.max_records == 2);
  CHECK(joined.command.spread == Spread::kJoin);
  CHECK_FALSE(joined.spread_batches);
  const Options repeated = options_of({"-N", "2", "-m", "echo"});
  CHECK(repeated.batch.max_records == 2);
  CHECK(repeated.batch.exact);
  CHECK(repeated.command.spread == Spread::kContext);
  CHECK(options_of({"-n2", "-N3", "echo"}).batch.max_records == 3);
}

TEST_CASE("options: -X and -m fill lines and share the rest out, --xargs does not") {
  CHECK(options_of({"-X", "echo"}).batch.max_records == 0);
  CHECK(options_of({"-X", "echo"}).command.spread == Spread::kContext);
  CHECK(options_of({"-X", "echo"}).spread_batches);
  CHECK(options_of({"-m", "echo"}).command.spread == Spread::kJoin);
  CHECK(options_of({"-m", "echo"}).spread_batches);
  CHECK(options_of({"--xargs", "echo"}).batch.max_records == 0);
  CHECK_FALSE(options_of({"--xargs", "echo"}).spread_batches);
  CHECK(options_of({"-Xn5", "echo"}).batch.max_records == 5);
}

TEST_CASE("options: -L repeats the context, but not with -m; -s limits lines and fills none") {
  const Options lines = options_of({"-L2", "echo"});
  CHECK(lines.batch.max_lines == 2);
  CHECK(lines.batch.max_records == 0);
  CHECK(lines.command.spread == Spread::kContext);
  CHECK_FALSE(lines.spread_batches);
  CHECK(options_of({"-L2", "-m", "echo"}).command.spread == Spread::kJoin);
  CHECK(options_of({"-L", "1k", "echo"}).batch.max_lines == 1000);
  CHECK(options_of({"-L0", "echo"}).batch.count_only);
  CHECK(options_of({"-L2", "-n1", "echo"}).batch.max_records == 1);
  const Options chars = options_of({"-s", "20", "echo"});
  CHECK(chars.batch.max_line_bytes == 20);
  CHECK(chars.batch.max_records == 1);
}

TEST_CASE("options: -l may have a number, in its word or the next, and none is one line") {
  CHECK(options_of({"-l", "echo"}).batch.max_lines == 1);
  CHECK(options_of({"-l2", "echo"}).batch.max_lines == 2);
  CHECK(options_of({"-l", "2", "echo"}).batch.max_lines == 2);
  CHECK(options_of({"-lk", "echo"}).keep_order);
  CHECK(options_of({"--max-lines=3", "echo"}).batch.max_lines == 3);
  CHECK(options_of({"-l0", "echo"}).batch.max_lines == 1);
}

TEST_CASE("options: -N0 and -n0 count inputs and insert none") {
  for (const char* word : {"-N0", "-n0"}) {
    const Options options = options_of({word, "echo"});
    CHECK(options.batch.count_only);
    CHECK(options.batch.max_records == 1);
  }
}

TEST_CASE("options: -j is checked and kept as text") {
  for (const char* form : {"4", "150%", "+2", "-1", "0"})
    CHECK(options_of({"-j", form, "echo"}).jobs_text == form);
  CHECK(options_of({"-j2", "--jobs", "3", "echo"}).jobs_text == "3");
  CHECK(has(error_of({"-jfoo", "echo"}), "-j 'foo'"));
  CHECK(has(error_of({"-j=2", "echo"}), "N jobs"));
  CHECK(has(error_of({"-j", "", "echo"}), "-j ''"));
}

TEST_CASE("options: output modes exclude each other") {
  CHECK(options_of({"--lb", "-k", "echo"}).output == OutputMode::kLineBuffer);
  CHECK(options_of({"--group", "echo"}).output == OutputMode::kGroup);
  CHECK(error_of({"-u", "--lb", "x"}) == "--ungroup and --line-buffer exclude each other");
  CHECK(error_of({"-u", "--group", "x"}) == "--group and --ungroup exclude each other");
  CHECK(error_of({"--lb", "--group", "x"}) == "--group and --line-buffer exclude each other");
}

TEST_CASE("options: -u leaves nothing to order and to tag") {
  const Options options = options_of({"-u", "-k", "--tag", "--tagstring", "x", "echo"});
  CHECK(options.output == OutputMode::kUngroup);
  CHECK_FALSE(options.keep_order);
  CHECK_FALSE(options.tag);
  CHECK_FALSE(options.tag_string.has_value());
}

TEST_CASE("options: --tagstring counts before --tag, and an empty one is none") {
  CHECK(options_of({"--tag", "echo"}).tag);
  CHECK(options_of({"--tagstring", "{#}", "--tag", "echo"}).tag_string == "{#}");
  CHECK(options_of({"--tagstring", "x", "echo"}).tag);
  CHECK_FALSE(options_of({"--tagstring=", "echo"}).tag);
}

TEST_CASE("options: -v may stand several times") {
  CHECK(options_of({"-v", "-v", "echo"}).verbose == Verbose::kToStdout);
  CHECK(options_of({"-vv", "echo"}).verbose == Verbose::kToStdout);
}

TEST_CASE("options: --silent undoes -v and -t, wherever it is") {
  CHECK(options_of({"-v", "-v", "echo"}).verbose == Verbose::kToStdout);
  CHECK(options_of({"-t", "echo"}).verbose == Verbose::kToStderr);
  CHECK(options_of({"--verbose", "echo"}).verbose == Verbose::kToStderr);
  CHECK(options_of({"--silent", "-v", "-t", "echo"}).verbose == Verbose::kNo);
}

TEST_CASE("options: numbers, times and words arrive checked") {
  const Options options =
      options_of({"--delay=0.5", "--timeout=2m", "--retries=3", "--halt=soon,fail=10%", "--nice=-5",
                  "--rlimit=nproc=64", "--worker-loss=requeue", "--leftovers=kill", "--isolate=pid",
                  "--max-output=1K", "--joblog=log", "--eta", "--quiet", "-q", "--dry-run", "-r",
                  "-I@", "echo"});
  CHECK(options.delay == 500ms);
  CHECK(options.timeout.limit == 2min);
  CHECK(options.retries == 3);
  CHECK(options.halt.percent == 10);
  CHECK(options.nice == -5);
  CHECK(options.limits.size() == 1);
  CHECK(options.worker_loss == enjoin::WorkerLoss::kRequeue);
  CHECK(options.leftovers == enjoin::Leftovers::kKill);
  CHECK(options.isolate == enjoin::Isolate::kPid);
  CHECK(options.max_output_bytes == 1024);
  CHECK(options.joblog_path == "log");
  CHECK(options.progress == ProgressKind::kEta);
  CHECK(options.quiet);
  CHECK(options.command.quote_words);
  CHECK(options.dry_run);
  CHECK(options.input.no_run_if_empty);
  CHECK(options.command.replace_string == "@");
}

TEST_CASE("options: malformed values name the option, the value and the right forms") {
  CHECK(has(error_of({"--nice=x", "echo"}), "from -20 to 19"));
  CHECK(has(error_of({"--nice=20", "echo"}), "from -20 to 19"));
  CHECK(has(error_of({"--retries=-1", "echo"}), "--retries '-1': expected a whole number"));
  CHECK(has(error_of({"-nx", "echo"}), "-n 'x': expected a whole number"));
  CHECK(error_of({"--leftovers=eat", "echo"}) ==
        "--leftovers 'eat': expected keep, report, kill or fail");
  CHECK(error_of({"--isolate=", "echo"}) == "--isolate '': expected none or pid");
  CHECK(error_of({"--worker-loss=", "echo"}) == "--worker-loss '': expected fail or requeue");
  CHECK(has(error_of({"--delay=soon", "echo"}), "--delay 'soon': expected seconds"));
  CHECK(has(error_of({"--halt=now", "echo"}), "--halt 'now'"));
  CHECK(has(error_of({"-I", "", "echo"}), "-I ''"));
  CHECK(has(error_of({"-a", "", "echo"}), "-a ''"));
  CHECK(has(error_of({"--help=some"}), "--help=all"));
}

TEST_CASE("options: --help and --version answer and run nothing") {
  CHECK(parse_command_line("enjoin", {"--help", "echo"}).action == Invocation::Action::kShow);
  CHECK(parse_command_line("enjoin", {"-h"}).text == enjoin::short_help());
  CHECK(parse_command_line("enjoin", {"--help=all"}).text == enjoin::full_help());
  CHECK(parse_command_line("enjoin", {"-V"}).text == enjoin::version_line());
  CHECK(parse_command_line("enjoin", {"--version=all"}).action ==
        Invocation::Action::kShowVersionAll);
}

TEST_CASE("options: GNU parallel's courtesies are accepted") {
  CHECK(options_of({"--will-cite", "--no-notice", "--gnu", "--plain", "echo"}).command.words ==
        Words{"echo"});
  // `echo will cite | parallel --citation` must not run a command called "will".
  CHECK(parse_command_line("parallel", {"--citation"}).action == Invocation::Action::kShow);
}

TEST_CASE("options: every option of the table is understood") {
  for (const enjoin::Flag& flag : enjoin::all_flags()) {
    if (flag.standing != enjoin::Flag::Standing::kHere) continue;
    const Words args = flag.argument == enjoin::Flag::Argument::kRequired
                           ? Words{flag.spelling(), "1", "echo"}
                           : Words{flag.spelling(), "echo"};
    const std::string error = error_of(args);
    CHECK_MESSAGE(!has(error, "unrecognised"), error);
    CHECK_MESSAGE(!has(error, "cannot be used yet"), error);
  }
}

TEST_CASE("options: no option of GNU parallel's is still to come") {
  for (const enjoin::Flag& flag : enjoin::all_flags())
    if (flag.name != "then") CHECK(flag.standing != enjoin::Flag::Standing::kNotYet);
}

TEST_CASE("help: the first screen has 24 lines of 80 columns") {
  const std::string help = enjoin::short_help();
  std::size_t lines = 0;
  for (std::size_t begin = 0; begin < help.size(); ++lines) {
    const std::size_t end = help.find('\n', begin);
    REQUIRE(end != std::string::npos);
    CHECK_MESSAGE(end - begin <= 80, help.substr(begin, end - begin));
    begin = end + 1;
  }
  CHECK(lines <= 24);
}

TEST_CASE("help: --help=all names every option that works") {
  const std::string help = enjoin::full_help();
  for (const enjoin::Flag& flag : enjoin::all_flags())
    if (flag.standing == enjoin::Flag::Standing::kHere)
      CHECK_MESSAGE(has(help, flag.spelling()), flag.spelling());
}
