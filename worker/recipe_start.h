#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/unique_fd.h"
#include "worker/job_recipe.h"
#include "worker/spawn.h"
#include "worker/template.h"

namespace enjoin {

/// Makes processes of recipes, one after the other: finds out how each is executed, opens its
/// files, makes its environment.
class RecipeStart {
 public:
  explicit RecipeStart(JobEnvironment& environment) : environment_(environment) {}

  /// Takes in the next one; `packed` stays the caller's and must live until it has been started.
  /// What is no recipe has no command.
  void take(std::string_view packed);
  const RecipeView& recipe() const { return recipe_; }
  /// The label as the inputs of a template.
  JobInputs inputs() const { return {.values = {&recipe_.label, 1}}; }
  /// Nothing would be left of it: no process is needed.
  bool is_no_op() const;
  /// Its command as a shell line, for people.
  std::string shown_line() const;

  /// Opens its files. Returns 0 or errno; complaint() says which.
  int open_files();
  void close_files();
  /// How many descriptors it is to be given before it starts.
  std::size_t descriptors_wanted() const { return recipe_.descriptors.size(); }
  /// So many. Returns 0 or errno.
  int take_descriptors(std::vector<ipc::UniqueFd> given);
  /// Environment, folder, limits, and those files and descriptors.
  void fill(std::uint64_t seq, SpawnRequest* request);
  enum class Way : std::uint8_t {
    kDirect,     ///< the words of the line, in place of the shell
    kShell,      ///< the shell, with the line
    kArgv,       ///< the words it was given
    kNotToFind,  ///< there is no such program; complaint() says so
  };
  /// Path and words of what is to be executed. `tries` counts from 0: after kDirect has failed, the
  /// next is kShell, which says in its own words what is wrong.
  Way choose(int tries, SpawnRequest* request);

  /// Why it could not be started: a line without its end.
  const std::string& complaint() const { return complaint_; }
  void complain(std::string_view what, std::string_view object, int error);
  void complain(std::string what) { complaint_ = std::move(what); }

 private:
  bool may_be_direct() const;
  void find_way();
  void fill_environment(std::uint64_t seq, SpawnRequest* request);
  const char* find_program(const char* name);
  std::string at_folder(std::string_view path) const;
  int open_file(std::string_view path, int flags, const char* what, ipc::UniqueFd* file);
  void add_change(std::string text);

  JobEnvironment& environment_;
  RecipeView recipe_;
  ProgramFinder shells_;
  ProgramFinder programs_;
  std::string found_;  // a program that programs_ cannot find
  Argv direct_;        // the line's words, where no shell is needed
  bool is_direct_ = false;
  std::vector<const char*> words_;  // of the shell
  std::vector<std::string> folder_changes_;
  std::vector<const char*> changes_;
  ipc::UniqueFd files_[3];
  bool one_file_ = false;  // stderr's is stdout's
  std::vector<ipc::UniqueFd> given_;
  std::vector<DescriptorPlace> places_;
  std::vector<ResourceLimit> limits_;  // the team's, and the recipe's
  std::string complaint_;
};

}  // namespace enjoin
