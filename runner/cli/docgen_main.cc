// Writes the documents that are made from the option table into a folder: docgen FOLDER.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "runner/cli/help.h"

namespace {

bool write_file(const std::string& path, const std::string& content) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  bool written = file != nullptr;
  if (written) {
    written = std::fwrite(content.data(), 1, content.size(), file) == content.size();
    written = std::fclose(file) == 0 && written;
  }
  if (!written) std::fprintf(stderr, "cannot write %s: %s\n", path.c_str(), std::strerror(errno));
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: enjoin-docgen FOLDER\n", stderr);
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/";
  const bool written = write_file(folder + "enjoin.1", enjoin::man_page()) &&
                       write_file(folder + "enjoin-run.1", enjoin::run_man_page()) &&
                       write_file(folder + "enjoin.bash", enjoin::bash_completion()) &&
                       write_file(folder + "_enjoin", enjoin::zsh_completion()) &&
                       write_file(folder + "enjoin.fish", enjoin::fish_completion());
  return written ? 0 : 1;
}
