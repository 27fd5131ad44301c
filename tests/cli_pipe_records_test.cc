#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

TEST_CASE("records: a header goes once to each job that gets several blocks") {
  const Sandbox sandbox;
  // Which job gets which block depends on who reads sooner.
  CHECK(sandbox
            .shell("seq 9 | enjoin -k -j2 --pipe --round-robin --header : --block 4 "
                   "'tr \"\\n\" \" \"; echo' >two; cut -d' ' -f1 two; "
                   "cut -d' ' -f2- two | xargs -n1 | sort -n | xargs")
            .out == "1\n1\n2 3 4 5 6 7 8 9\n");
  CHECK(sandbox
            .shell("printf 'n\\n1\\n2\\n3\\n' | enjoin -k -j2 --pipe --header : --bin 1 "
                   "'tr \"\\n\" \" \"; echo'")
            .out == "n 1 3 \nn 2 \n");
  CHECK(sandbox.shell("seq 9 | enjoin -k --pipe --tee --header : --block 4 'paste -sd+' ::: a b")
            .out == "1+2+3+4+5+6+7+8+9\n1+2+3+4+5+6+7+8+9\n");
}

TEST_CASE("records: what goes on behind us finds stdin where it was left") {
  const Sandbox sandbox;
  CHECK(sandbox.shell("seq 9 >f; (enjoin -k --pipe --block 4 'cat; echo .'; cat) <f | tail -n 2")
            .out == "9\n.\n");
}

TEST_CASE("records: what cannot be cut is refused before anything runs") {
  const Sandbox sandbox;
  const auto refused = [&](const std::string& command, const std::string& text) {
    const Ran ran = sandbox.shell("seq 3 >f; seq 3 | enjoin " + command + " 'echo ran'");
    CAPTURE(ran.err);
    CHECK(ran.status == 255);
    CHECK(ran.out.empty());
    CHECK(ran.err.find(text) != std::string::npos);
  };
  refused("--pipe --regexp --recend '[05'", "--recend");
  refused("--pipe --block 0", "--block '0'");
  refused("--pipe --block -2", "--block -2");
  refused("--pipe-part", "-a FILE");
  refused("--pipe-part -a -", "stdin");
  refused("--pipe-part -a f -N1", "-N does not go with --pipe-part");
  refused("--pipe-part -a f -L1", "-L does not go with --pipe-part");
  refused("--pipe-part -a /dev/null", "neither a file nor a block device");
  refused("--pipe-part -a none", "cannot open the input file none");
  refused("--pipe --group-by x", "the header has no column 'x'; it has '1'");
  refused("--pipe --group-by -1", "counted from 1");
  refused("--pipe --group-by 's/x'", "perl refuses");
  refused("--pipe --group-by 1 --rrs", "--remove-rec-sep");
}

TEST_CASE("records: one longer than --block is told of, once it is whole") {
  const Sandbox sandbox;
  const Ran ran = sandbox.shell("(printf %099d 0; echo; seq 3) | enjoin -k --pipe --block 9 wc -c");
  CHECK(ran.status == 0);
  CHECK(ran.err.find("a record is longer than --block 9") != std::string::npos);
}
