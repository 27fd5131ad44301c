#include <string>
#include <utility>

#include "support/fault_sweep.h"

namespace enjoin::test {
namespace {

std::string numbers(int count, const std::string& key) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += std::to_string(i) + '/' + key + '\n';
  return text;
}

// Three short outputs, and one that is longer than what pipes hold and is copied in several steps.
std::vector<Shape::Job> four_jobs() {
  return {{"a", numbers(3, "a")},
          {"b", numbers(3, "b")},
          {"c", numbers(20000, "c")},
          {"d", numbers(3, "d")}};
}

// seq is exec'd without a shell.
std::vector<std::string> counting(std::vector<std::string> options) {
  for (const char* word : {"-j2", "--joblog", "log", "seq", "-f", "%.0f/{2}", "{1}", ":::", "3",
                           "3", "20000", "3", ":::+", "a", "b", "c", "d"}) {
    options.emplace_back(word);
  }
  return options;
}

Shape counting_shape(std::string name, std::vector<std::string> options) {
  Shape shape;
  shape.name = std::move(name);
  shape.arguments = counting(std::move(options));
  shape.jobs = four_jobs();
  return shape;
}

Shape data_shape(std::string name, std::vector<std::string> arguments) {
  Shape shape;
  shape.name = std::move(name);
  shape.arguments = {"-j2", "--joblog", "log"};
  shape.arguments.insert(shape.arguments.end(), arguments.begin(), arguments.end());
  shape.jobs = {{"a", numbers(2000, "a")}, {"b", numbers(2000, "b")}, {"c", numbers(2000, "c")}};
  for (const Shape::Job& job : shape.jobs) shape.input += job.out;
  return shape;
}

std::vector<Shape> make_shapes() {
  std::vector<Shape> shapes;
  shapes.push_back(counting_shape("plain", {}));

  Shape ordered = counting_shape("ordered", {"-k"});
  ordered.arguments = {"-k",  "-j2", "--joblog", "log", "seq -f %.0f/{2} {1}; echo e{2} >&2",
                       ":::", "3",   "20000",    "3",   ":::+",
                       "a",   "b",   "c"};
  ordered.jobs = {{"a", numbers(3, "a"), "ea\n"},
                  {"b", numbers(20000, "b"), "eb\n"},
                  {"c", numbers(3, "c"), "ec\n"}};
  ordered.ordered = true;
  shapes.push_back(ordered);

  Shape lines = counting_shape("lines", {"--line-buffer"});
  lines.lines = Shape::Lines::kMixed;
  shapes.push_back(lines);

  Shape pipe = data_shape("pipe", {"--pipe", "-N2000", "-k", "cat"});
  pipe.ordered = true;
  shapes.push_back(pipe);

  Shape part = data_shape("part", {"--pipe-part", "--block", "1k", "--regexp", "--recend",
                                   "2000/.\\n", "-k", "-a", "data", "cat"});
  part.given["data"] = std::exchange(part.input, "");
  part.ordered = true;
  shapes.push_back(part);

  Shape results = counting_shape("results", {"--results", "res/{2}"});
  for (const Shape::Job& job : results.jobs) results.kept_in[job.key] = "res/" + job.key;
  shapes.push_back(results);

  Shape tagged = counting_shape("tagged", {"-k", "--tagstring", "<{2}>"});
  tagged.ordered = true;
  for (Shape::Job& job : tagged.jobs) {
    std::string text;
    for (const std::string& line : lines_of(job.out)) text += '<' + job.key + ">\t" + line + '\n';
    job.out = text;
  }
  shapes.push_back(tagged);

  shapes.push_back(counting_shape("ungrouped", {"-u"}));
  shapes.back().arguments[1] = "-j1";  // else one may cut the other's lines
  shapes.push_back(counting_shape("capped", {"--max-output", "1M"}));
  shapes.push_back(counting_shape("rerun", {"--worker-loss", "requeue", "--timeout", "20"}));

  Shape perl = counting_shape("perl", {});
  perl.arguments[5] = "%.0f/{=2 $_ = lc($_) =}";
  for (std::size_t i = perl.arguments.size() - 4; i < perl.arguments.size(); ++i) {
    perl.arguments[i][0] = static_cast<char>(perl.arguments[i][0] - 'a' + 'A');
  }
  shapes.push_back(perl);

  Shape retries = ordered;
  retries.name = "retries";
  retries.arguments.insert(retries.arguments.begin(), {"--retries", "3"});
  for (std::string& word : retries.arguments) {
    if (word.starts_with("seq -f")) word = "test -e {2} || { touch {2}; exit 1; }; " + word;
  }
  shapes.push_back(retries);

  for (const char* way : {"--cat", "--fifo"}) {
    Shape file = data_shape(way + 2, {"--pipe", way, "-N2000", "cat {}"});
    shapes.push_back(file);
  }
  Shape robin = data_shape("robin", {"--pipe", "--round-robin", "--block", "4k", "cat"});
  robin.logged = false;
  robin.lines = Shape::Lines::kAnyOrder;
  shapes.push_back(robin);

  Shape sem;
  sem.name = "sem";
  sem.arguments = {"--semaphore", "--fg", "--id", "faults", "seq", "-f", "%.0f/a", "300"};
  sem.jobs = {{"a", numbers(300, "a")}};
  sem.logged = false;
  shapes.push_back(sem);
  return shapes;
}

}  // namespace

const std::vector<Shape>& fault_shapes() {
  static const std::vector<Shape> all = make_shapes();
  return all;
}

}  // namespace enjoin::test
