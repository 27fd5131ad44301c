#include <fcntl.h>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "runner/record/file_contents.h"
#include "runner/record/record_file.h"
#include "runner/record/record_writer.h"
#include "support/cli.h"

using namespace enjoin;
using enjoin::test::Sandbox;

namespace {

/// Makes a file look as if it had been written long ago; its ctime is now.
void set_modified(const std::string& path, std::int64_t seconds) {
  const timespec times[2] = {{seconds, 5}, {seconds, 5}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("file contents: the same bytes have the same value, others another") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  FileContents contents(file.database());
  box.write("a", "text");
  box.write("b", "text");
  box.write("c", "texT");
  box.write("empty", "");
  box.write("long", std::string(700000, 'x'));
  box.write("longer", std::string(700001, 'x'));
  CHECK(contents.content_of(box.path("a")) == contents.content_of(box.path("b")));
  CHECK(contents.content_of(box.path("a")) != contents.content_of(box.path("c")));
  CHECK(contents.content_of(box.path("empty")) != contents.content_of(box.path("a")));
  CHECK(contents.content_of(box.path("long")) != contents.content_of(box.path("longer")));
  CHECK(contents.content_of(box.path("none")) == FileContents::kNothing);
  CHECK(contents.content_of(std::vector<std::string>{}) == 0);
}

TEST_CASE("file contents: a change is seen though size and time of writing are as before") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  FileContents contents(file.database());
  const std::string path = box.path("a");
  for (int round = 0; round < 50; ++round) {
    box.write("a", round % 2 == 0 ? "odd!" : "even");
    set_modified(path, 1000000000);
    const std::uint64_t value = contents.content_of(path);
    box.write("b", round % 2 == 0 ? "odd!" : "even");
    CHECK(value == contents.content_of(box.path("b")));
  }
}

TEST_CASE("file contents: a value is kept for later runs, until the file changes") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  RecordWriter writer(file.database(), {});
  box.write("a", "text");
  struct stat status {};
  REQUIRE(::stat(box.path("a").c_str(), &status) == 0);
  const auto ns = [](const timespec& time) { return time.tv_sec * 1000000000 + time.tv_nsec; };
  // Told another value, it is believed: so the file is not read.
  writer.add_files({{.path = box.path("a"),
                     .size = status.st_size,
                     .modified = ns(status.st_mtim),
                     .changed = ns(status.st_ctim),
                     .inode = static_cast<std::int64_t>(status.st_ino),
                     .content = 4711}});
  writer.flush();
  CHECK(FileContents(file.database()).content_of(box.path("a")) == 4711);
  set_modified(box.path("a"), 1000000000);
  CHECK(FileContents(file.database()).content_of(box.path("a")) != 4711);
}

TEST_CASE("file contents: of a folder, names and what is in it count; links are not followed") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  FileContents contents(file.database());
  std::filesystem::create_directories(box.path("d/e"));
  box.write("d/e/f", "text");
  const std::uint64_t before = contents.content_of(box.path("d"));
  std::filesystem::create_symlink(".", box.path("d/self"));
  const std::uint64_t linked = contents.content_of(box.path("d"));
  CHECK(linked != before);
  CHECK(contents.content_of(box.path("d")) == linked);
  box.write("d/e/f", "other");
  CHECK(contents.content_of(box.path("d")) != linked);
}

TEST_CASE("file contents: the record's own files do not count in the folder that they are in") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  FileContents contents(file.database());
  box.write("a", "text");
  std::filesystem::create_directories(box.path(".enjoin"));
  const std::uint64_t before = contents.content_of(box.path("."));
  RecordWriter writer(file.database(), {});
  box.write(".enjoin/x", "text");
  CHECK(contents.content_of(box.path(".")) == before);
  box.write("r.db2", "text");
  CHECK(contents.content_of(box.path(".")) != before);
}

TEST_CASE("file contents: a pipe is not opened") {
  const Sandbox box;
  RecordFile file(box.path("r.db"));
  FileContents contents(file.database());
  REQUIRE(::mkfifo(box.path("p").c_str(), 0600) == 0);
  CHECK(contents.content_of(box.path("p")) == contents.content_of(box.path("p")));
}
