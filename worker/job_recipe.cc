#include "worker/job_recipe.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "enjoin/error.h"

namespace enjoin {
namespace {

// Stands first; limits and descriptors follow, then the strings: six of its own, and those of the
// lists.
struct Head {
  std::uint32_t shell = 0;
  std::uint32_t argv = 0;
  std::uint32_t environment = 0;
  std::uint32_t limits = 0;
  std::uint32_t descriptors = 0;
  std::uint8_t leftovers = 0;
  std::uint8_t isolate = 0;
  std::uint8_t merges_output = 0;
  std::uint8_t reserved = 0;
  std::int32_t nice = 0;
  std::int32_t foreground_of = 0;
  std::uint64_t most_output = 0;
};
static_assert(sizeof(Head) == 8 + 7 * 4 + 4 && std::has_unique_object_representations_v<Head>);

class Writer {
 public:
  explicit Writer(const JobRecipe& recipe) : recipe_(recipe) {}
  void add(const std::string& text) {
    if (text.find('\0') != text.npos) {
      throw Error("job " + recipe_.label + ": its description holds a NUL byte");
    }
    bytes.append(text.c_str(), text.size() + 1);
  }
  template <typename T>
  void add_plain(const T& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void add(const std::vector<std::string>& list) {
    for (const std::string& text : list) add(text);
  }
  std::string bytes;

 private:
  const JobRecipe& recipe_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::string_view take() {
    const std::size_t size = rest_.find('\0');
    if (size == rest_.npos) return good_ = false, std::string_view("");
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size + 1);
    return text;
  }
  void take(std::uint32_t count, std::vector<const char*>* list) {
    list->clear();
    for (; count > 0 && good_; --count) list->push_back(take().data());
  }
  template <typename T>
  T take_plain() {
    T value{};
    if (rest_.size() < sizeof value) return good_ = false, value;
    std::memcpy(static_cast<void*>(&value), rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  bool is_good() const { return good_; }
  bool ended_well() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

void check(const JobRecipe& recipe) {
  const auto refuse = [&](const char* why) { throw Error("job " + recipe.label + ": " + why); };
  if (!recipe.line.empty() && recipe.shell.empty()) refuse("its line has no shell");
  const std::vector<std::int32_t>& numbers = recipe.descriptors;
  if (numbers.size() > JobRecipe::kMostDescriptors) refuse("it asks for too many descriptors");
  if (!numbers.empty() && recipe.isolate != Isolate::kNone) {
    refuse("an isolated job cannot be given descriptors");
  }
  for (auto number = numbers.begin(); number != numbers.end(); ++number) {
    if (*number < 0) refuse("a descriptor's number is negative");
    if (std::find(numbers.begin(), number, *number) != number) {
      refuse("it asks for a descriptor twice under one number");
    }
  }
}

}  // namespace

std::string pack(const JobRecipe& recipe) {
  check(recipe);
  const Head head{.shell = static_cast<std::uint32_t>(recipe.shell.size()),
                  .argv = static_cast<std::uint32_t>(recipe.argv.size()),
                  .environment = static_cast<std::uint32_t>(recipe.environment.size()),
                  .limits = static_cast<std::uint32_t>(recipe.limits.size()),
                  .descriptors = static_cast<std::uint32_t>(recipe.descriptors.size()),
                  .leftovers = static_cast<std::uint8_t>(recipe.leftovers),
                  .isolate = static_cast<std::uint8_t>(recipe.isolate),
                  .merges_output = recipe.merges_output,
                  .nice = recipe.nice,
                  .foreground_of = recipe.foreground_of,
                  .most_output = recipe.most_output};
  Writer out(recipe);
  out.add_plain(head);
  for (const ResourceLimit& limit : recipe.limits) {
    out.add_plain(limit.resource);
    out.add_plain(limit.value);
  }
  for (const std::int32_t number : recipe.descriptors) out.add_plain(number);
  for (const std::string* text : {&recipe.label, &recipe.line, &recipe.folder, &recipe.stdin_path,
                                  &recipe.stdout_path, &recipe.stderr_path}) {
    out.add(*text);
  }
  out.add(recipe.shell);
  out.add(recipe.argv);
  out.add(recipe.environment);
  return std::move(out.bytes);
}

std::uint64_t most_output_of(std::string_view bytes) {
  return Reader(bytes).take_plain<Head>().most_output;
}

bool unpack(std::string_view bytes, RecipeView* view) {
  Reader in(bytes);
  const Head head = in.take_plain<Head>();
  if (!in.is_good() || head.descriptors > JobRecipe::kMostDescriptors) return false;
  if (head.leftovers > static_cast<std::uint8_t>(Leftovers::kFail)) return false;
  if (head.isolate > static_cast<std::uint8_t>(Isolate::kPid)) return false;
  if (head.merges_output > 1 || head.reserved != 0) return false;
  view->leftovers = static_cast<Leftovers>(head.leftovers);
  view->isolate = static_cast<Isolate>(head.isolate);
  view->merges_output = head.merges_output != 0;
  view->most_output = head.most_output;
  view->nice = head.nice;
  view->foreground_of = head.foreground_of;
  view->limits.clear();
  for (std::uint32_t left = head.limits; left > 0 && in.is_good(); --left) {
    const int resource = in.take_plain<int>();
    view->limits.push_back({resource, in.take_plain<std::uint64_t>()});
  }
  view->descriptors.clear();
  for (std::uint32_t left = head.descriptors; left > 0 && in.is_good(); --left) {
    view->descriptors.push_back(in.take_plain<std::int32_t>());
    if (view->descriptors.back() < 0) return false;
  }
  for (std::string_view* text : {&view->label, &view->line, &view->folder, &view->stdin_path,
                                 &view->stdout_path, &view->stderr_path}) {
    *text = in.take();
  }
  in.take(head.shell, &view->shell);
  in.take(head.argv, &view->argv);
  in.take(head.environment, &view->environment);
  return in.ended_well() && (view->line.empty() || !view->shell.empty());
}

}  // namespace enjoin
