#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "enjoin/error.h"
#include "runner/units.h"
#include "worker/cpu_quota.h"

using enjoin::Error;
using enjoin::parse_count;
using enjoin::parse_duration;
using enjoin::parse_jobs;
using enjoin::parse_limits;
using enjoin::parse_size;
using enjoin::parse_timeout;
using namespace std::chrono_literals;

namespace {

/// A folder that goes away with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "enjoin-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string path() const { return path_; }
  std::string write(const std::string& name, const std::string& content) const {
    const std::filesystem::path file = path_ + "/" + name;
    std::filesystem::create_directories(file.parent_path());
    std::FILE* out = std::fopen(file.c_str(), "we");
    REQUIRE(out != nullptr);
    std::fwrite(content.data(), 1, content.size(), out);
    std::fclose(out);
    return file.string();
  }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("units: a duration is seconds, or a sum of numbers with units") {
  CHECK(parse_duration("10", "--delay") == 10s);
  CHECK(parse_duration("0", "--delay") == 0s);
  CHECK(parse_duration("1.5", "--delay") == 1500ms);
  CHECK(parse_duration(".25", "--delay") == 250ms);
  CHECK(parse_duration("2m", "--delay") == 2min);
  CHECK(parse_duration("1H30M", "--delay") == 90min);
  CHECK(parse_duration("1d3.5h16.6m4s", "--delay") == 100000s);
}

TEST_CASE("units: what is no duration is refused by name and with the right forms") {
  for (const char* text : {"", "x", "1x", "-1", "+1", "1e3", "100ms", "1 ", " 1", "m", "1..2", "."})
    CHECK_THROWS_AS(parse_duration(text, "--delay"), Error);
  CHECK_THROWS_AS(parse_duration("99999999999d", "--delay"), Error);
  CHECK_THROWS_WITH(parse_duration("5x", "--delay"),
                    "--delay '5x': expected seconds, or a sum such as 1.5, 90s, 2m, 1h30m, 1d");
}

TEST_CASE("units: capital suffixes of sizes are binary, small ones decimal") {
  CHECK(parse_size("10", "--max-output") == 10);
  CHECK(parse_size("1k", "--max-output") == 1000);
  CHECK(parse_size("1K", "--max-output") == 1024);
  CHECK(parse_size("2M", "--max-output") == 2097152);
  CHECK(parse_size("1.5G", "--max-output") == 1610612736);
  CHECK(parse_size("3p", "--max-output") == 3000000000000000);
}

TEST_CASE("units: what is no size is refused") {
  for (const char* text : {"", "K", "1KB", "1kk", "-1", "1e9", "0x10", "9999P", "1 K"})
    CHECK_THROWS_AS(parse_size(text, "--max-output"), Error);
}

TEST_CASE("units: a count is a whole number within its bounds") {
  CHECK(parse_count("1.5k", "-n", 0, 10000) == 1500);
  CHECK_THROWS_AS(parse_count("1.5", "-n", 0, 10000), Error);
  CHECK_THROWS_AS(parse_count("0", "-n", 1, 10000), Error);
  CHECK_THROWS_WITH(parse_count("11K", "-n", 0, 10000),
                    "-n '11K': expected a whole number from 0 to 10000");
}

TEST_CASE("units: a timeout is a duration or a percentage of the median") {
  CHECK(parse_timeout("2m").limit == 2min);
  CHECK(parse_timeout("2m").percent_of_median == 0);
  CHECK(parse_timeout("200%").limit == 0s);
  CHECK(parse_timeout("200%").percent_of_median == 200);
  for (const char* text : {"", "%", "x%", "-1%", "1e0", "2m%"})
    CHECK_THROWS_AS(parse_timeout(text), Error);
}

TEST_CASE("units: limits are given by the names of setrlimit") {
  const auto limits = parse_limits("as=2G,nproc=64,cpu=1.5m,core=unlimited,rttime=0.5");
  REQUIRE(limits.size() == 5);
  CHECK(limits[0].resource == RLIMIT_AS);
  CHECK(limits[0].value == 2147483648);
  CHECK(limits[1].resource == RLIMIT_NPROC);
  CHECK(limits[1].value == 64);
  CHECK(limits[2].value == 90);
  CHECK(limits[3].value == ~std::uint64_t{0});
  CHECK(limits[4].value == 500000);
}

TEST_CASE("units: a limit of an unknown name or without a value is refused") {
  for (const char* text : {"", "as", "as=", "memory=2G", "as=2G,", "nproc=1.5", "as=-1"})
    CHECK_THROWS_AS(parse_limits(text), Error);
}

TEST_CASE("units: -j is a number, or follows from the CPUs") {
  CHECK(parse_jobs("", 4, 100) == 4);
  CHECK(parse_jobs("7", 4, 100) == 7);
  CHECK(parse_jobs("007", 4, 100) == 7);
  CHECK(parse_jobs("+2", 4, 100) == 6);
  CHECK(parse_jobs("-1", 4, 100) == 3);
  CHECK(parse_jobs("-9", 4, 100) == 1);
  CHECK(parse_jobs("+0", 4, 100) == 4);
  CHECK(parse_jobs("0", 4, 100) == 100);
}

TEST_CASE("units: a percentage of the CPUs is rounded up, as GNU parallel does") {
  CHECK(parse_jobs("50%", 2, 100) == 1);
  CHECK(parse_jobs("74%", 2, 100) == 2);
  CHECK(parse_jobs("124%", 2, 100) == 3);
  CHECK(parse_jobs("0.1%", 2, 100) == 1);
  CHECK(parse_jobs("0%", 2, 100) == 1);
}

TEST_CASE("units: -j takes a file that holds a form of it") {
  const TestFolder folder;
  CHECK(parse_jobs(folder.write("jobs", " 150%\n"), 4, 100) == 6);
  CHECK_THROWS_AS(parse_jobs(folder.write("jobs", "many\n"), 4, 100), Error);
  CHECK_THROWS_AS(parse_jobs(folder.write("jobs", ""), 4, 100), Error);
}

TEST_CASE("units: what is neither a form of -j nor a file is refused") {
  for (const char* text : {"foo", "1.5", "1k", "=2", "+", "-", "%", "1e3", " 3", "99999999999"})
    CHECK_THROWS_AS(parse_jobs(text, 4, 100), Error);
}

TEST_CASE("cpu quota: there is at least one usable CPU") {
  CHECK(enjoin::usable_cpus() >= 1);
}

TEST_CASE("cpu quota: the smallest quota on the way up counts (cgroup v2)") {
  const TestFolder folder;
  folder.write("proc/self/cgroup", "0::/a/b\n");
  folder.write("proc/self/mountinfo", "30 23 0:26 / /cg rw,nosuid - cgroup2 cgroup2 rw\n");
  folder.write("cg/a/b/cpu.max", "max 100000\n");
  CHECK_FALSE(enjoin::cgroup_cpu_quota(folder.path()).has_value());
  folder.write("cg/a/cpu.max", "150000 100000\n");
  CHECK(enjoin::cgroup_cpu_quota(folder.path()) == 1.5);
  folder.write("cg/a/b/cpu.max", "400000 100000\n");
  CHECK(enjoin::cgroup_cpu_quota(folder.path()) == 1.5);
}

TEST_CASE("cpu quota: a container's view of cgroup v1 is understood") {
  const TestFolder folder;
  folder.write("proc/self/cgroup", "5:memory:/\n4:cpu,cpuacct:/docker/x/in\n");
  folder.write("proc/self/mountinfo",
               "33 32 0:30 /docker/x /cg/cpu ro - cgroup cgroup rw,cpu,cpuacct\n");
  folder.write("cg/cpu/cpu.cfs_quota_us", "250000\n");
  folder.write("cg/cpu/cpu.cfs_period_us", "100000\n");
  folder.write("cg/cpu/in/cpu.cfs_quota_us", "-1\n");
  folder.write("cg/cpu/in/cpu.cfs_period_us", "100000\n");
  CHECK(enjoin::cgroup_cpu_quota(folder.path()) == 2.5);
}

TEST_CASE("cpu quota: unreadable or odd files mean no quota") {
  const TestFolder folder;
  CHECK_FALSE(enjoin::cgroup_cpu_quota(folder.path()).has_value());
  folder.write("proc/self/mountinfo", "x - cgroup2\n - \n1 2 3 / /cg r - cgroup2 c r");
  folder.write("proc/self/cgroup", "nonsense\n0::\n");
  folder.write("cg/cpu.max", "garbage\n");
  CHECK_FALSE(enjoin::cgroup_cpu_quota(folder.path()).has_value());
}
