// compile_commands FILE: runs all commands of a compile_commands.json, as many at once as there are
// CPUs. What a command printed comes whole; the exit status is 1 if one failed.

#include <cstdio>
#include <fstream>

#include <rapidjson/document.h>
#include <rapidjson/istreamwrapper.h>

#include "enjoin/executor.h"

int main(int argc, char** argv) {
  std::ifstream file(argc == 2 ? argv[1] : "compile_commands.json");
  rapidjson::IStreamWrapper stream(file);
  rapidjson::Document entries;
  if (entries.ParseStream(stream).HasParseError() || !entries.IsArray()) return 2;

  enjoin::Executor executor;
  enjoin::JobOptions options;
  options.handlers.on_end = [](const enjoin::JobReport& report) {
    std::fputs(report.out.c_str(), stderr);
  };
  for (const auto& entry : entries.GetArray()) {
    enjoin::Command command{.folder = entry["directory"].GetString(),
                            .output = enjoin::Output::kMerge};
    if (entry.HasMember("command")) {
      command.shell_line = entry["command"].GetString();
    } else {
      for (const auto& word : entry["arguments"].GetArray())
        command.argv.push_back(word.GetString());
    }
    executor.add(std::move(command), options);
  }
  return executor.wait_all() ? 0 : 1;
}
