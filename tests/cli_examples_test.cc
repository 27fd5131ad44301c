#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

using namespace enjoin::test;

namespace {

Ran run_example(const Sandbox& box, const std::string& name, const std::string& arguments = "") {
  return box.shell("bash " ENJOIN_TEST_DIR "/../examples/" + name + " " + arguments);
}

std::vector<std::string> fields_of(const std::string& line, char separator) {
  std::vector<std::string> fields{""};
  for (const char byte : line) {
    if (byte == separator) {
      fields.emplace_back();
    } else {
      fields.back() += byte;
    }
  }
  return fields;
}

}  // namespace

TEST_CASE("examples: compress_logs.sh replaces each log by a copy that unpacks to the same") {
  const Sandbox box;
  box.shell(
      "mkdir -p 'logs/a b' kept;"
      "for i in 1 2 3 4 5; do seq $((i * 1000)) >\"logs/it's $i.log\"; done;"
      "seq 70000 >'logs/a b/big.log'; printf 'x' >$'logs/a b/new\\nline.log';"
      "echo no log >logs/readme; cp -r logs kept");
  const Ran ran = run_example(box, "compress_logs.sh", "logs");
  CHECK(ran.err == "");
  CHECK(ran.out == "7 logs compressed, 0 failed\n");
  CHECK(ran.status == 0);

  CHECK(box.shell("find logs -name '*.log' | wc -l").out == "0\n");
  CHECK(box.shell("find logs -name '*.gz' -print0 | tr -dc '\\0' | wc -c").out == "7\n");
  const Ran compared = box.shell(
      "rm logs/compress.joblog;"
      "find logs -name '*.gz' -exec gunzip {} + && diff -r logs kept/logs && echo same");
  CHECK(compared.out == "same\n");
  CHECK(box.left_in_tmp().empty());
}

TEST_CASE("examples: compress_logs.sh keeps a log that could not be compressed, and counts it") {
  const Sandbox box;
  box.shell("mkdir -p logs/bad.log.gz; seq 100 >logs/good.log; seq 100 >logs/bad.log");
  const Ran ran = run_example(box, "compress_logs.sh", "logs");
  CHECK(ran.out == "1 logs compressed, 1 failed\n");
  CHECK(ran.status == 1);
  CHECK(box.has("logs/bad.log"));
  CHECK_FALSE(box.has("logs/good.log"));
}

TEST_CASE("examples: compress_logs.sh in a folder without logs does nothing") {
  const Sandbox box;
  const Ran ran =
      box.shell("mkdir logs; bash " ENJOIN_TEST_DIR "/../examples/compress_logs.sh logs");
  CHECK(ran.out == "0 logs compressed, 0 failed\n");
  CHECK(ran.status == 0);
}

TEST_CASE("examples: five_workers.sh prints ten jobs in whole pieces, by workers 1 to 5") {
  const Sandbox box;
  const Ran ran = run_example(box, "five_workers.sh");
  CHECK(ran.err == "");
  CHECK(ran.status == 0);
  const std::vector<std::string> lines = lines_of(ran.out);
  REQUIRE(lines.size() == 20);
  std::set<int> jobs;
  for (std::size_t at = 0; at < lines.size(); at += 2) {
    const int job = std::atoi(lines[at].substr(4).c_str());
    const std::string number = std::to_string(job);
    const std::string begin = "job " + number + " is done by worker ";
    CHECK(lines[at].substr(0, begin.size()) == begin);
    const int worker = std::atoi(lines[at].substr(begin.size()).c_str());
    CHECK(worker >= 1);
    CHECK(worker <= 5);
    CHECK(lines[at + 1] ==
          "  and " + number + " times " + number + " is " + std::to_string(job * job));
    jobs.insert(job);
  }
  CHECK(jobs.size() == 10);
  CHECK(*jobs.begin() == 1);
  CHECK(*jobs.rbegin() == 10);
}

TEST_CASE("examples: sweep.sh runs every combination in order and shows the slowest jobs") {
  const Sandbox box;
  const Ran ran = run_example(box, "sweep.sh", "results");
  CHECK(ran.err == "");
  CHECK(ran.status == 0);

  const std::vector<std::string> estimates = lines_of(box.read("results/estimates"));
  REQUIRE(estimates.size() == 15);
  std::size_t at = 0;
  for (const std::string darts : {"1000", "10000", "100000"}) {
    for (const std::string seed : {"1", "2", "3", "4", "5"}) {
      const std::vector<std::string> fields = fields_of(estimates[at++], '\t');
      REQUIRE(fields.size() == 3);
      CHECK(fields[0] == darts);
      CHECK(fields[1] == seed);
      CHECK(std::stod(fields[2]) == doctest::Approx(3.14).epsilon(0.1));
    }
  }

  // The table against the log itself.
  std::map<std::string, double> seconds_of;
  double most = 0;
  const std::vector<std::string> log = lines_of(box.read("results/joblog"));
  REQUIRE(log.size() == 16);
  for (std::size_t row = 1; row < log.size(); ++row) {
    const std::vector<std::string> fields = fields_of(log[row], '\t');
    REQUIRE(fields.size() == 9);
    CHECK(fields[6] == "0");
    seconds_of[fields[8]] = std::stod(fields[3]);
    most = std::max(most, std::stod(fields[3]));
  }
  CHECK(seconds_of.count("throw 1000 1") == 1);
  const std::vector<std::string> shown = lines_of(ran.out);
  REQUIRE(shown.size() == 11);
  CHECK(shown[5] == "seconds  slowest jobs");
  for (std::size_t row = 6; row < shown.size(); ++row) {
    CHECK(seconds_of.at(shown[row].substr(9)) == doctest::Approx(std::stod(shown[row])));
  }
  CHECK(std::stod(shown[6]) == doctest::Approx(most));
}
