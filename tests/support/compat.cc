#include "support/compat.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <doctest/doctest.h>

#include "support/cli.h"

namespace enjoin::test {
namespace {

std::vector<std::string> columns_of(const std::string& row) {
  std::vector<std::string> columns;
  std::size_t begin = 0;
  for (std::size_t end; columns.size() < 8 && (end = row.find('\t', begin)) != std::string::npos;
       begin = end + 1) {
    columns.push_back(row.substr(begin, end - begin));
  }
  columns.push_back(row.substr(begin));
  return columns;
}

// Where /sys is not mounted (a bare chroot), the program that GNU parallel asks for the number of
// CPUs complains into a job's output.
std::string without_complaints(const std::string& text) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::string line = text.substr(begin, end - begin);
    if (!line.starts_with("lscpu: ")) result += line;
    begin = end;
  }
  return result;
}

}  // namespace

std::string comparable_joblog(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : lines_of(text)) {
    std::vector<std::string> row = columns_of(line);
    if (row.size() == 9 && std::atoi(row[0].c_str()) > 0) {
      row[2] = row[3] = "T";
      const int signal = std::atoi(row[7].c_str());
      if (signal != 0 && row[6] == "0") row[6] = std::to_string(128 + signal);
      if (row[6] == "-1") row[7] = "S";  // whichever step of the ladder ended it
    }
    rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::atoi(a[0].c_str()) < std::atoi(b[0].c_str());
  });
  std::string result;
  for (const auto& row : rows) {
    for (const std::string& column : row) result += column + '\t';
    result.back() = '\n';
  }
  return result;
}

void check_same(const CompatCase& compat) {
  if (!have_gnu_parallel()) return;
  const Sandbox theirs(Sandbox::Parallel::kGnu);
  const Sandbox ours;
  Ran expected = theirs.shell(compat.script);
  expected.out = without_complaints(expected.out);
  const Ran got = ours.shell(compat.script);
  INFO(std::string(compat.name), ": ", std::string(compat.script), "\nstderr: ", got.err);
  const bool any_order = compat.order == CompatCase::Order::kAnyOrder;
  CHECK((any_order ? sorted_lines(got.out) : got.out) ==
        (any_order ? sorted_lines(expected.out) : expected.out));
  CHECK(got.status == expected.status);
  CHECK(comparable_joblog(ours.read("log")) == comparable_joblog(theirs.read("log")));
}

}  // namespace enjoin::test
