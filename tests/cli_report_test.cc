#include <string>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

/// A run of four jobs: one fails, one passes at its second attempt.
constexpr const char* kGraph = R"({"id":"good","sh":"echo fine","stage":"make"}
{"id":"flaky","sh":"test -e tried || { touch tried; echo not yet >&2; exit 4; }","attempts":2,"stage":"make"}
{"id":"bad<&>","sh":"echo some output; for i in 1 2 3; do echo problem $i >&2; done; exit 3","needs":["good"],"stage":"check"}
{"id":"after","sh":"true","needs":["bad<&>"],"stage":"check"}
)";

class ReportBox : public Sandbox {
 public:
  ReportBox() {
    write("jobs.jsonl", kGraph);
    REQUIRE(enjoin({"run", "--keep-going", "--quiet", "jobs.jsonl"}).status == 1);
  }
};

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("report: it says what failed, with its last lines, and how the run went") {
  const ReportBox box;
  const Ran ran = box.enjoin({"report"});
  INFO(ran.out);
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  for (const char* part :
       {"Run 1 of .enjoin/record.db: enjoin run --keep-going --quiet jobs.jsonl\n",
        "exit status 1\n  4 jobs: 2 done, 1 failed, 1 not started\n",
        "\nFailed\n  bad<&>: exit status 3, after ",
        "  | problem 1\n  | problem 2\n  | problem 3\n", "\nStages\n", "\nSlowest\n",
        "\nCritical path: ", "\nUtilisation\n",
        "\nRetries\n  1 job was tried again, 1 passed then"}) {
    CAPTURE(part);
    CHECK(holds(ran.out, part));
  }
}

TEST_CASE("report: --run names an earlier run, and --flaky what passed after it had failed") {
  const ReportBox box;
  box.write("jobs.jsonl", R"({"id":"other","sh":"true"})");
  REQUIRE(box.enjoin({"run", "jobs.jsonl"}).status == 0);
  CHECK(holds(box.enjoin({"report"}).out, "Run 2 of"));
  CHECK(holds(box.enjoin({"report", "--run", "1"}).out, "Run 1 of"));
  CHECK(holds(box.enjoin({"report", "--flaky"}).out,
              "flaky (make): failed 1 time, passed 1; last in run 1:\n  flaky: exit status 4"));
  CHECK(box.enjoin({"report", "--flaky", "--run", "2"}).out ==
        "No job passed after it had failed.\n");
  const Ran none = box.enjoin({"report", "--run", "9"});
  CHECK(none.status == 255);
  CHECK(none.says("run 9 is not recorded in .enjoin/record.db; the last one is 2"));
}

TEST_CASE("report: JSON and JUnit are read by others") {
  const ReportBox box;
  const Ran json = box.shell(
      "enjoin report --json | python3 -c 'import json, sys; r = json.load(sys.stdin); "
      "print(r[\"failed\"][0][\"name\"], r[\"run\"][\"status\"], r[\"retries\"][\"passed\"], "
      "[s[\"stage\"] for s in r[\"stages\"]], r[\"flaky\"][0][\"name\"])'");
  CHECK(json.out == "bad<&> 1 1 ['make', 'check'] flaky\n");
  const Ran junit = box.shell(
      "enjoin report --junit r.xml && python3 -c 'import xml.etree.ElementTree as e; "
      "r = e.parse(\"r.xml\").getroot(); print(r.get(\"tests\"), r.get(\"failures\")); "
      "[print(c.get(\"classname\"), c.get(\"name\"), [x.tag for x in c]) for c in "
      "r.iter(\"testcase\")]; print(r.find(\".//failure\").text, end=\"\")'");
  CHECK(junit.out ==
        "3 1\ncheck bad<&> ['failure', 'system-out', 'system-err']\nmake good ['system-out']\n"
        "make flaky ['flakyFailure']\nproblem 1\nproblem 2\nproblem 3\n");
}

TEST_CASE("report: without a record it says so") {
  const Sandbox box;
  const Ran ran = box.enjoin({"report"});
  CHECK(ran.status == 255);
  CHECK(ran.says(".enjoin/record.db"));
  CHECK_FALSE(box.has(".enjoin"));
}

TEST_CASE("report: a file that cannot be written is an error") {
  const ReportBox box;
  const Ran ran = box.enjoin({"report", "--junit", "no/such/folder.xml"});
  CHECK(ran.status == 255);
  CHECK(ran.says("cannot write no/such/folder.xml"));
  const Ran full = box.shell("enjoin report >/dev/full");
  CHECK(full.status == 255);
  CHECK(full.says("cannot write the report"));
}

TEST_CASE("report: a reader that has had enough is nothing to speak of") {
  const ReportBox box;
  const Ran ran = box.shell("for i in 1 2 3; do enjoin report --json | true; done; echo done");
  CHECK(ran.err.empty());
  CHECK(ran.out == "done\n");
}
