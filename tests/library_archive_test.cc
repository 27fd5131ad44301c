#include <doctest/doctest.h>

#include "enjoin/archive.h"
#include "enjoin/function.h"
#include "worker/function/function_protocol.h"

using namespace enjoin;

namespace {

struct Point {
  int x = 0;
  int y = 0;
  bool operator==(const Point&) const = default;
};

struct Part {
  std::string name;
  std::vector<Point> points;
  std::map<std::string, double> weights;
  bool operator==(const Part&) const = default;
  template <class A>
  void archive(A& a) {
    a(name, points, weights);
  }
};

// Trivially copyable, and yet not its bytes: it says itself how it travels.
struct Handle {
  const char* text = nullptr;
  template <class A>
  void archive(A& a) {
    std::string copy = text == nullptr ? "" : text;
    a(copy);
    if (copy == "known") text = "known";
  }
};

struct Celsius {
  explicit Celsius(double d) : degrees(d) {}
  double degrees;
  std::string unit = "C";
};

}  // namespace

template <>
struct enjoin::Archive<Celsius> {
  static void write(ArchiveWriter& to, const Celsius& value) { to(value.degrees); }
  static Celsius read(ArchiveReader& from) { return Celsius(from.read<double>()); }
};

namespace {

template <typename T>
T there_and_back(const T& value) {
  ArchiveWriter to;
  to(value);
  ArchiveReader from(to.view());
  T back = from.template read<T>();
  CHECK(from.left() == 0);
  return back;
}
template <typename T>
void check_travels(const T& value) {
  CHECK(there_and_back(value) == value);
  // Cut anywhere, it is an error and never a wild read.
  ArchiveWriter to;
  to(value);
  for (std::size_t size = 0; size < to.size_bytes(); ++size) {
    ArchiveReader from(to.view().substr(0, size));
    CHECK_THROWS_AS((void)from.template read<T>(), ArchiveError);
  }
}

int archived_square(int x) {
  return x * x;
}
int unregistered_square(int x) {
  return x * x;
}
ENJOIN_FUNCTION(archived_square);

}  // namespace

TEST_CASE("archive: what is built in travels whole, and is never read beyond its end") {
  check_travels(42);
  check_travels(Point{1, -2});
  check_travels(std::string("a\0b", 3));
  check_travels(std::vector<int>{1, 2, 3});
  check_travels(std::vector<bool>{true, false, true});
  check_travels(std::vector<std::string>{"", "one", std::string(300, 'x')});
  check_travels(std::array<std::string, 2>{"a", "b"});
  check_travels(std::array<int, 3>{1, 2, 3});
  check_travels(std::pair<int, std::string>{1, "one"});
  check_travels(std::tuple<int, std::string, Point>{1, "one", {3, 4}});
  check_travels(std::optional<std::string>{});
  check_travels(std::optional<std::string>{"there"});
  check_travels(std::variant<std::monostate, int, std::string>{"text"});
  check_travels(std::map<std::string, int>{{"a", 1}, {"b", 2}});
  check_travels(std::unordered_map<int, std::string>{{1, "a"}, {2, "b"}});
  check_travels(std::set<int>{3, 1, 2});
  check_travels(std::unordered_set<std::string>{"x", "y"});
  check_travels(std::vector<std::map<int, std::optional<Point>>>{{{1, Point{5, 6}}, {2, {}}}});
}

TEST_CASE("archive: a class of one's own says with one member how it travels") {
  check_travels(Part{"part", {{1, 2}, {3, 4}}, {{"heavy", 2.5}}});
  CHECK(std::string(there_and_back(Handle{"known"}).text) == "known");
  CHECK(there_and_back(Celsius(21.5)).degrees == 21.5);
  CHECK(*there_and_back(std::make_unique<Part>(Part{"p", {}, {}})) == Part{"p", {}, {}});
  CHECK(there_and_back(std::unique_ptr<int>()) == nullptr);
}

TEST_CASE("archive: what only points to its values has no way of its own") {
  static_assert(!Archivable<int*>);
  static_assert(!Archivable<std::string_view>);
  static_assert(!Archivable<std::span<int>>);
  static_assert(Archivable<Point>);
  static_assert(std::is_same_v<detail::Kept<std::string_view>, std::string>);
  static_assert(std::is_same_v<detail::Kept<std::span<const int>>, std::vector<int>>);
}

TEST_CASE("archive: a damaged count does not make it allocate") {
  ArchiveWriter to;
  to.size(~std::size_t{0} / 2);
  for (const auto& read : {+[](ArchiveReader& a) { (void)a.read<std::string>(); },
                           +[](ArchiveReader& a) { (void)a.read<std::vector<int>>(); },
                           +[](ArchiveReader& a) { (void)a.read<std::vector<std::string>>(); },
                           +[](ArchiveReader& a) { (void)a.read<std::set<int>>(); }}) {
    ArchiveReader from(to.view());
    CHECK_THROWS_AS(read(from), ArchiveError);
  }
}

TEST_CASE("archive: a writer grows beyond its first bytes and can be used again") {
  ArchiveWriter to;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    to.bytes(piece.data(), piece.size());
    expected += piece;
    REQUIRE(to.view() == expected);
  }
  to.clear();
  CHECK(to.view().empty());
}

TEST_CASE("function: it is found by its name's id, and by its address where that is known") {
  const auto* const found =
      detail::Function::find_address(reinterpret_cast<const void*>(&archived_square));
  REQUIRE(found != nullptr);
  CHECK(detail::Function::find(found->id()) == found);
  CHECK(detail::Function::find_address(reinterpret_cast<const void*>(&unregistered_square)) ==
        nullptr);
  CHECK(detail::Function::find(found->id() + 1) == nullptr);
  ArchiveWriter arguments;
  arguments(7);
  ArchiveWriter result;
  bool called = false;
  bool returned = false;
  found->run()(arguments.view(), result, &called, &returned);
  CHECK(called);
  CHECK(returned);
  ArchiveReader from(result.view());
  CHECK(from.read<int>() == 49);
}

TEST_CASE("function: one that comes and goes is in the list while it is there") {
  const std::uint64_t before = detail::Function::changes();
  std::uint64_t id = 0;
  {
    const detail::Function here("a function of a plug-in", nullptr,
                                [](std::string_view, ArchiveWriter&, bool*, bool*) {});
    id = here.id();
    CHECK(detail::Function::find(id) == &here);
    const detail::Function same("a function of a plug-in", nullptr, here.run());
    CHECK(detail::Function::find(id) != nullptr);
    const detail::Function other(
        "a function of a plug-in", nullptr,
        [](std::string_view, ArchiveWriter&, bool* a, bool*) { *a = true; });
    CHECK_THROWS_AS((void)detail::Function::find(id), Error);
  }
  CHECK(detail::Function::find(id) == nullptr);
  CHECK(detail::Function::changes() > before);
}

TEST_CASE("function: what it throws travels as type and text") {
  Thrown thrown;
  try {
    throw std::out_of_range("too far");
  } catch (...) {
    thrown = read_thrown(write_thrown(current_thrown()));
  }
  CHECK(thrown.type == "std::out_of_range");
  CHECK(thrown.text == "too far");
  try {
    throw 5;
  } catch (...) {
    CHECK(current_thrown().type == "int");
  }
  CHECK(read_thrown("damaged").text.empty());
}
