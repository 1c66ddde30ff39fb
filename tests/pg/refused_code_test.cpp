// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <unistd.h>

// What must not compile, and what the compiler says then. Runs the compiler named by TRADECORE_CXX, or
// clang++-19.
namespace tradecore::pg {
namespace {

struct refused_code {
    const char* name;
    const char* header;
    const char* prelude;
    /// The same statement, once as it should be and once as it must not be.
    const char* good;
    const char* bad;
    const char* reason;
};

void PrintTo(const refused_code& code, std::ostream* to)
{
    *to << code.name;
}

const std::array cases = {
    refused_code{
        .name = "too_few_arguments",
        .header = "sql",
        .prelude = "template <class... A> void run(tradecore::sql<std::type_identity_t<A>...>, const A&...) {}",
        .good = R"(run("SELECT $1, $2", 1, 2);)",
        .bad = R"(run("SELECT $1, $2", 1);)",
        .reason = "sql_parameters_and_arguments_differ_in_number"},
    refused_code{
        .name = "too_many_arguments",
        .header = "sql",
        .prelude = "template <class... A> void run(tradecore::sql<std::type_identity_t<A>...>, const A&...) {}",
        .good = R"(run("SELECT '$1'");)",
        .bad = R"(run("SELECT '$1'", 1);)",
        .reason = "sql_parameters_and_arguments_differ_in_number"},
    refused_code{
        .name = "hole",
        .header = "sql",
        .prelude = "",
        .good = R"(tradecore::sql<int, int>("SELECT $2, $1");)",
        .bad = R"(tradecore::sql<int, int>("SELECT $2");)",
        .reason = "sql_parameter_numbers_have_a_hole"},
    refused_code{
        .name = "nul",
        .header = "sql",
        .prelude = "",
        .good = R"(tradecore::sql<>("SELECT 0");)",
        .bad = R"(tradecore::sql<>("SELECT \0");)",
        .reason = "sql_literal_contains_nul"},
    refused_code{
        .name = "runtime_string",
        .header = "sql",
        .prelude = "void run(tradecore::sql<>) {} std::string text();",
        .good = "run(tradecore::runtime_sql(text()));",
        .bad = "run(text());",
        .reason = "no known conversion from 'std::string'"},
    refused_code{
        .name = "runtime_c_string",
        .header = "sql",
        .prelude = "void run(tradecore::sql<>) {} const char* text();",
        .good = R"(run("SELECT 1");)",
        .bad = "run(text());",
        .reason = "no known conversion from 'const char *'"},
    refused_code{
        .name = "local_time",
        .header = "parameters",
        .prelude = "",
        .good = "(void)tradecore::pg::parameters::encode(std::chrono::local_seconds());",
        .bad = "(void)tradecore::pg::parameters::encode(std::chrono::local_time<std::chrono::nanoseconds>());",
        .reason = "PostgreSQL keeps microseconds"},
    refused_code{
        .name = "average_duration",
        .header = "parameters",
        .prelude = "",
        .good = "(void)tradecore::pg::parameters::encode(std::chrono::days(1));",
        .bad = "(void)tradecore::pg::parameters::encode(std::chrono::months(1));",
        .reason = "months and years are averages"},
    refused_code{
        .name = "nanoseconds",
        .header = "parameters",
        .prelude = "",
        .good = "(void)tradecore::pg::parameters::encode(tradecore::now());",
        .bad = "(void)tradecore::pg::parameters::encode(std::chrono::sys_time<std::chrono::nanoseconds>());",
        .reason = "PostgreSQL keeps microseconds"},
    refused_code{
        .name = "unknown_type",
        .header = "parameters",
        .prelude = "struct mine { int x; };",
        .good = "(void)tradecore::pg::parameters::encode(mine{}.x);",
        .bad = "(void)tradecore::pg::parameters::encode(mine{});",
        .reason = "this type cannot be an argument"},
    refused_code{
        .name = "array_of_optional_arrays",
        .header = "parameters",
        .prelude = "",
        .good = "(void)tradecore::pg::parameters::encode(std::vector<std::vector<int>>());",
        .bad = "(void)tradecore::pg::parameters::encode(std::vector<std::optional<std::vector<int>>>());",
        .reason = "this range is no array"},
    refused_code{
        .name = "view_into_a_result_that_is_gone",
        .header = "row_mapping",
        .prelude = "tradecore::pg::result rows();",
        .good = "(void)tradecore::pg::map_rows<std::string>(rows());",
        .bad = "(void)tradecore::pg::map_rows<std::string_view>(rows());",
        .reason = "map to std::string"},
    refused_code{
        .name = "array_of_views_into_a_result_that_is_gone",
        .header = "row_mapping",
        .prelude = "tradecore::pg::result rows();",
        .good = "(void)tradecore::pg::map_rows<tradecore::pg::array<std::string>>(rows());",
        .bad = "(void)tradecore::pg::map_rows<tradecore::pg::array<std::string_view>>(rows());",
        .reason = "map to std::string"},
    refused_code{
        .name = "views_in_a_part_of_a_composite",
        .header = "row_mapping",
        .prelude = "using part = std::pair<int, std::vector<std::string>>;"
                   "using views = std::pair<int, std::vector<std::string_view>>;",
        .good = "(void)tradecore::pg::field_traits<part>::accepts(2249, tradecore::pg::wire_format::binary);",
        .bad = "(void)tradecore::pg::field_traits<views>::accepts(2249, tradecore::pg::wire_format::binary);",
        .reason = "do not outlive its reading"},
};

struct outcome {
    bool compiled;
    std::string output;
};

std::string usual_compiler()
{
    const char* chosen = std::getenv("TRADECORE_CXX");
    return chosen != nullptr ? chosen : "clang++-19";
}

outcome compile(const std::string& source, const std::string& compiler = usual_compiler())
{
    namespace fs = std::filesystem;
    const auto root = fs::path(__FILE__).parent_path().parent_path().parent_path();
    std::string file = (fs::temp_directory_path() / "refused_XXXXXX.cpp").string();
    const int handle = ::mkstemps(file.data(), 4);
    if (handle < 0) {
        return {false, "cannot make " + file};
    }
    ::close(handle);
    std::ofstream(file) << source;
    const auto command = compiler + " -std=c++20 -fsyntax-only -I" + (root / "include").string() + " " + file + " 2>&1";
    std::string output;
    FILE* const pipe = ::popen(command.c_str(), "r");
    std::array<char, 4096> buffer{};
    while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
        output.append(buffer.data(), count);
    }
    const int status = ::pclose(pipe);
    fs::remove(file);
    return {status == 0, output};
}

std::string includes(const refused_code& code)
{
    return std::string("#include <tradecore/pg/") + code.header + ".hpp>\n";
}

std::string body_of(const refused_code& code, const char* body)
{
    return std::string("namespace ") + code.name + " {\n" + code.prelude + "\nvoid test()\n{\n    " + body + "\n}\n}\n";
}

constexpr auto standard = "#include <string>\n#include <type_traits>\n#include <vector>\n";

// Without it the tests below could pass for a reason of their own, such as a misspelt header.
TEST(AllowedCode, Compiles)
{
    std::string source = standard;
    for (const auto& code : cases) {
        source += includes(code);
    }
    for (const auto& code : cases) {
        source += body_of(code, code.good);
    }
    const auto good = compile(source);
    EXPECT_TRUE(good.compiled) << good.output;
}

class RefusedCode : public ::testing::TestWithParam<refused_code> {};

TEST_P(RefusedCode, DoesNotCompileAndSaysWhy)
{
    const auto& code = GetParam();
    const auto bad = compile(standard + includes(code) + body_of(code, code.bad));
    EXPECT_FALSE(bad.compiled);
    EXPECT_NE(bad.output.find(code.reason), std::string::npos) << bad.output;
}

INSTANTIATE_TEST_SUITE_P(All, RefusedCode, ::testing::ValuesIn(cases), [](const auto& instance) {
    return std::string(instance.param.name);
});

// It would make programs of it that crash.
TEST(RefusedCompiler, IsAnOldGpp)
{
    if (std::system("g++-12 --version > /dev/null 2>&1") != 0) // NOLINT(concurrency-mt-unsafe)
        GTEST_SKIP() << "there is no g++-12";
    for (const auto* const header : {"connection", "result"}) {
        const auto bad = compile(std::string("#include <tradecore/pg/") + header + ".hpp>\n", "g++-12");
        EXPECT_FALSE(bad.compiled) << header;
        EXPECT_NE(bad.output.find("miscompiles common coroutine shapes"), std::string::npos) << bad.output;
    }
}

} // namespace
} // namespace tradecore::pg
