#include "worker/recipe_start.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include "worker/current_folder.h"
#include "worker/shell_quote.h"
#include "worker/shell_words.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view name_of(const char* change) {
  return std::string_view(change).substr(0, std::strcspn(change, "="));
}

// What may change how a shell reads a simple line, or which program it finds.
bool concerns_shells(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "PATH", "HOME", "ENV", "BASH_ENV", "POSIXLY_CORRECT", "SHELLOPTS", "BASHOPTS", "ZDOTDIR"};
  return name.starts_with("BASH_FUNC_") ||
         std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Whether a shell with these options does for a single simple command what it does without them:
// -e, -u and -o pipefail (errexit, nounset), also written together.
bool are_harmless(const std::vector<const char*>& shell) {
  for (std::size_t at = 1; at < shell.size(); ++at) {
    const std::string_view option = shell[at];
    if (option.size() < 2 || option.front() != '-') return false;
    const std::size_t other = option.find_first_not_of("eu", 1);
    if (other == option.npos) continue;
    if (other + 1 != option.size() || option[other] != 'o' || ++at == shell.size()) return false;
    const std::string_view name = shell[at];
    if (name != "pipefail" && name != "errexit" && name != "nounset") return false;
  }
  return true;
}

}  // namespace

void RecipeStart::take(std::string_view packed) {
  close_files();
  complaint_.clear();
  is_direct_ = false;
  if (unpack(packed, &recipe_)) return find_way();
  recipe_ = RecipeView{};
  recipe_.label = "a job";
}

void RecipeStart::find_way() {
  if (recipe_.line.empty() || !may_be_direct()) return;
  direct_.text = recipe_.line;
  direct_.words.clear();
  if (!split_simple_line(&direct_.text, &direct_.words)) return;
  is_direct_ = may_exec_directly(direct_.words, base_name(recipe_.shell.front()));
  direct_.words.push_back(nullptr);
}

bool RecipeStart::may_be_direct() const {
  if (shell_kind(base_name(recipe_.shell.front())) == ShellKind::kOther) return false;
  if (!are_harmless(recipe_.shell)) return false;
  return std::none_of(recipe_.environment.begin(), recipe_.environment.end(),
                      [](const char* change) { return concerns_shells(name_of(change)); });
}

bool RecipeStart::is_no_op() const {
  return is_direct_ && enjoin::is_no_op(direct_.words) && recipe_.folder.empty() &&
         recipe_.stdin_path.empty() && recipe_.stdout_path.empty() && recipe_.stderr_path.empty() &&
         recipe_.descriptors.empty();
}

std::string RecipeStart::shown_line() const {
  if (!recipe_.line.empty()) return std::string(recipe_.line);
  std::string line;
  for (const char* const word : recipe_.argv) {
    if (!line.empty()) line += ' ';
    append_shell_quoted(word, &line);
  }
  return line;
}

// ---- files -------------------------------------------------------------------------------------

std::string RecipeStart::at_folder(std::string_view path) const {
  std::string whole;
  if (!recipe_.folder.empty() && path.front() != '/') {
    whole = recipe_.folder;
    whole += '/';
  }
  return whole += path;
}

int RecipeStart::open_file(std::string_view path, int flags, const char* what,
                           ipc::UniqueFd* file) {
  // Without O_NONBLOCK a fifo would hold up this worker until somebody opens its other end.
  constexpr int kManners = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  file->reset(::open(at_folder(path).c_str(), flags | kManners, 0666));
  int error = *file ? 0 : errno;
  struct stat status {};
  const bool is_fifo =
      (error == 0 && ::fstat(file->get(), &status) == 0 && S_ISFIFO(status.st_mode)) ||
      error == ENXIO;
  if (is_fifo) {
    complaint_ = std::string("its ") + what + " '" + term_safe(path) +
                 "' is a fifo, which only the command itself can open (run = \"... < fifo\")";
    return EINVAL;
  }
  if (error == 0 && !S_ISREG(status.st_mode)) {
    const int now = ::fcntl(file->get(), F_GETFL);
    if (::fcntl(file->get(), F_SETFL, now & ~O_NONBLOCK) != 0) error = errno;
  }
  if (error != 0) complain(std::string("cannot open its ") + what, path, error);
  return error;
}

int RecipeStart::open_files() {
  constexpr int kMadeAnew = O_WRONLY | O_CREAT | O_TRUNC;
  const RecipeView& recipe = recipe_;
  int error = 0;
  if (!recipe.folder.empty() && ::access((std::string(recipe.folder) + "/.").c_str(), X_OK) != 0) {
    error = errno;
    complain("cannot enter its folder", recipe.folder, error);
    return error;
  }
  if (!recipe.stdin_path.empty()) {
    error = open_file(recipe.stdin_path, O_RDONLY, "stdin", &files_[0]);
  }
  if (error == 0 && !recipe.stdout_path.empty()) {
    error = open_file(recipe.stdout_path, kMadeAnew, "stdout", &files_[1]);
  }
  one_file_ = !recipe.stderr_path.empty() && recipe.stderr_path == recipe.stdout_path;
  if (error == 0 && !recipe.stderr_path.empty() && !one_file_) {
    error = open_file(recipe.stderr_path, kMadeAnew, "stderr", &files_[2]);
  }
  if (error != 0) close_files();
  return error;
}

void RecipeStart::close_files() {
  for (ipc::UniqueFd& file : files_) file.reset();
  given_.clear();
  places_.clear();
}

// What is put under its number must not overwrite what is still to be put.
int RecipeStart::take_descriptors(std::vector<ipc::UniqueFd> given) {
  const std::vector<std::int32_t>& targets = recipe_.descriptors;
  const auto is_target = [&](const ipc::UniqueFd& fd) {
    return std::find(targets.begin(), targets.end(), fd.get()) != targets.end();
  };
  for (ipc::UniqueFd& fd : given) {
    while (is_target(fd)) {
      ipc::UniqueFd higher(::fcntl(fd.get(), F_DUPFD_CLOEXEC, fd.get() + 1));
      if (!higher) return errno;
      fd = std::move(higher);
    }
  }
  given_ = std::move(given);
  for (std::size_t at = 0; at < given_.size(); ++at) {
    places_.push_back({given_[at].get(), targets[at]});
  }
  return 0;
}

void RecipeStart::complain(std::string_view what, std::string_view object, int error) {
  complaint_ = what;
  complaint_ += " '" + term_safe(object) + "': " + std::strerror(error);
}

// ---- process -----------------------------------------------------------------------------------

void RecipeStart::fill(std::uint64_t seq, SpawnRequest* request) {
  if (files_[0]) request->stdio[0] = files_[0].get();
  if (files_[1]) request->stdio[1] = files_[1].get();
  if (recipe_.merges_output) request->stdio[2] = request->stdio[1];
  if (files_[2]) request->stdio[2] = files_[2].get();
  if (one_file_ && files_[1]) request->stdio[2] = files_[1].get();
  request->descriptors = places_;
  if (!recipe_.limits.empty()) {
    limits_.assign(request->limits.begin(), request->limits.end());
    limits_.insert(limits_.end(), recipe_.limits.begin(), recipe_.limits.end());
    request->limits = limits_;
  }
  if (recipe_.nice != 0) request->nice = request->nice.value_or(0) + recipe_.nice;
  if (!recipe_.folder.empty()) request->folder = recipe_.folder.data();
  fill_environment(seq, request);
}

void RecipeStart::fill_environment(std::uint64_t seq, SpawnRequest* request) {
  if (recipe_.folder.empty() || environment_.is_plain()) {
    request->environment = environment_.for_job(seq, recipe_.environment);
    return;
  }
  static const std::string here = current_folder();
  const std::string_view folder = recipe_.folder;
  folder_changes_ = {"OLDPWD=" + here, "PWD="};
  folder_changes_[1] += folder.front() == '/' ? std::string(folder) : here + '/' += folder;
  changes_.clear();
  for (const std::string& change : folder_changes_) changes_.push_back(change.c_str());
  changes_.insert(changes_.end(), recipe_.environment.begin(), recipe_.environment.end());
  request->environment = environment_.for_job(seq, changes_);
}

RecipeStart::Way RecipeStart::choose(int tries, SpawnRequest* request) {
  if (recipe_.line.empty()) {
    if (recipe_.argv.empty()) return complaint_ = "it has no command", Way::kNotToFind;
    words_ = recipe_.argv;
    words_.push_back(nullptr);
    request->path = find_program(words_.front());
    if (request->path == nullptr) {
      complain("there is no program", words_.front(), ENOENT);
      return Way::kNotToFind;
    }
    request->argv = const_cast<char* const*>(words_.data());
    return Way::kArgv;
  }
  if (is_direct_ && tries == 0 && direct_.words.front() != nullptr) {
    request->path = programs_.find(direct_.words.front());
    const bool moves = !recipe_.folder.empty() && request->path != nullptr &&
                       request->path != direct_.words.front() && *request->path != '/';
    request->argv = const_cast<char* const*>(direct_.words.data());
    if (request->path != nullptr && !moves) return Way::kDirect;
  }
  programs_.forget();
  request->path = shells_.find(recipe_.shell.front());
  if (request->path == nullptr) {
    complain("there is no shell", recipe_.shell.front(), ENOENT);
    return Way::kNotToFind;
  }
  words_ = recipe_.shell;
  words_.insert(words_.end(), {"-c", recipe_.line.data(), nullptr});
  request->argv = const_cast<char* const*>(words_.data());
  return Way::kShell;
}

// As execvp(3) in the job's folder and with its PATH would.
const char* RecipeStart::find_program(const char* name) {
  const auto is_path = [](const char* change) { return name_of(change) == "PATH"; };
  const auto& changes = recipe_.environment;
  const auto own = std::find_if(changes.rbegin(), changes.rend(), is_path);
  if (own == changes.rend() && recipe_.folder.empty()) return programs_.find(name);
  if (std::strchr(name, '/') != nullptr) return name;
  const char* path = own != changes.rend() ? std::strchr(*own, '=') : std::getenv("PATH");
  if (own != changes.rend() && path != nullptr) ++path;
  std::string_view rest = path != nullptr ? path : kDefaultPath;
  while (true) {
    const std::size_t colon = rest.find(':');
    found_ = rest.substr(0, colon);
    if (found_.empty()) found_ = ".";
    found_ += '/';
    found_ += name;
    if (::access(at_folder(found_).c_str(), X_OK) == 0) return found_.c_str();
    if (colon == rest.npos) return nullptr;
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace enjoin
