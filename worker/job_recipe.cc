#include "worker/job_recipe.h"

#include <cstring>

#include "enjoin/error.h"

namespace enjoin {
namespace {

// Stands first; the strings follow: six of its own, then those of the lists.
struct Head {
  std::uint32_t shell = 0;
  std::uint32_t argv = 0;
  std::uint32_t environment = 0;
  std::uint8_t leftovers = 0;
  std::uint8_t isolate = 0;
};
constexpr std::size_t kHeadBytes = 3 * sizeof(std::uint32_t) + 2;

class Writer {
 public:
  explicit Writer(const JobRecipe& recipe) : recipe_(recipe) {}
  void add(const std::string& text) {
    if (text.find('\0') != text.npos) {
      throw Error("job " + recipe_.label + ": its description holds a NUL byte");
    }
    bytes.append(text.c_str(), text.size() + 1);
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
  bool ended_well() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::string pack(const JobRecipe& recipe) {
  if (!recipe.line.empty() && recipe.shell.empty()) {
    throw Error("job " + recipe.label + ": its line has no shell");
  }
  const Head head{static_cast<std::uint32_t>(recipe.shell.size()),
                  static_cast<std::uint32_t>(recipe.argv.size()),
                  static_cast<std::uint32_t>(recipe.environment.size()),
                  static_cast<std::uint8_t>(recipe.leftovers),
                  static_cast<std::uint8_t>(recipe.isolate)};
  Writer out(recipe);
  out.bytes.append(reinterpret_cast<const char*>(&head), kHeadBytes);
  for (const std::string* text : {&recipe.label, &recipe.line, &recipe.folder, &recipe.stdin_path,
                                  &recipe.stdout_path, &recipe.stderr_path}) {
    out.add(*text);
  }
  out.add(recipe.shell);
  out.add(recipe.argv);
  out.add(recipe.environment);
  return std::move(out.bytes);
}

bool unpack(std::string_view bytes, RecipeView* view) {
  Head head;
  if (bytes.size() < kHeadBytes) return false;
  std::memcpy(static_cast<void*>(&head), bytes.data(), kHeadBytes);
  if (head.leftovers > static_cast<std::uint8_t>(Leftovers::kFail)) return false;
  if (head.isolate > static_cast<std::uint8_t>(Isolate::kPid)) return false;
  view->leftovers = static_cast<Leftovers>(head.leftovers);
  view->isolate = static_cast<Isolate>(head.isolate);
  Reader in(bytes.substr(kHeadBytes));
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
