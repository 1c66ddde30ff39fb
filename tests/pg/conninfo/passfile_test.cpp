// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/dsn_generator.hpp"
#include "pg/conninfo/libpq_oracle.hpp"
#include "pg/conninfo/passfile.hpp"
#include "pg/conninfo/test_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <sys/stat.h>

namespace tradecore::pg::conninfo {
namespace {

namespace libpq = test::libpq;
using test::scratch_folder;

std::optional<std::string> in(std::string_view text, const host_address& host = {.host = "db"})
{
    return find_password(text, host, "shop", "ann");
}

TEST(Passfile, GivesThePasswordOfTheFirstLineThatFits)
{
    EXPECT_EQ(in("db:5432:shop:ann:secret"), "secret");
    EXPECT_EQ(in("other:5432:shop:ann:1\ndb:5433:shop:ann:2\ndb:5432:x:ann:3\ndb:5432:shop:bob:4\n"), std::nullopt);
    EXPECT_EQ(in("db:*:*:ann:general\ndb:5432:shop:ann:later\n"), "general");
    EXPECT_EQ(in("*:*:*:*:any\r\n"), "any");
    EXPECT_EQ(in("*:*:*:*:"), "");
    EXPECT_EQ(in("# db:5432:shop:ann:no\n\n\r\ndb:5432:shop:ann:yes"), "yes");
    EXPECT_EQ(in("*x:*:*:*:no"), std::nullopt);
    EXPECT_EQ(in("db:5432:shop:ann"), std::nullopt);
    EXPECT_EQ(in(""), std::nullopt);
}

TEST(Passfile, HasColonsAndBackslashesEscaped)
{
    EXPECT_EQ(in(R"(d\b:5432:shop:ann:a\:b\\c:rest)"), R"(a:b\c)");
    EXPECT_EQ(in("db:5432:shop:ann:end\\"), "end\\");
    EXPECT_EQ(in("db\\"), std::nullopt);
    const host_address ipv6{.host = "::1"};
    EXPECT_EQ(in(R"(\:\:1:5432:shop:ann:escaped)", ipv6), "escaped");
    EXPECT_EQ(in("::1:5432:shop:ann:plain", ipv6), "plain");
}

TEST(Passfile, KnowsTheUsualSocketAsLocalhost)
{
    const auto* const file = "localhost:*:*:*:local\n/tmp:*:*:*:folder\n127.0.0.1:*:*:*:address\nname:*:*:*:named";
    EXPECT_EQ(in(file, {.host = "/var/run/postgresql"}), "local");
    EXPECT_EQ(in(file, {.host = "localhost"}), "local");
    EXPECT_EQ(in(file, {.host = "/tmp"}), "folder");
    EXPECT_EQ(in(file, {.hostaddr = "127.0.0.1"}), "address");
    EXPECT_EQ(in(file, {.host = "name", .hostaddr = "127.0.0.1"}), "named");
    EXPECT_EQ(in(file, {.host = "/var/run/postgresql/"}), std::nullopt);
}

connect_options looking_in(const std::string& file)
{
    connect_options options;
    options.passfile = file;
    options.user = "ann";
    return options;
}

TEST(Passfile, IsReadAnewEachTime)
{
    const scratch_folder folder;
    const auto options = looking_in(folder.write("pass", "db:5432:ann:ann:old"));
    EXPECT_EQ(look_up_password(options, {.host = "db"}).password, "old");
    (void)folder.write("pass", "db:5432:ann:ann:new");
    EXPECT_EQ(look_up_password(options, {.host = "db"}).password, "new");
    EXPECT_EQ(look_up_password(options, {.host = "other"}).password, std::nullopt);
}

TEST(Passfile, MayBeMissing)
{
    const scratch_folder folder;
    for (const auto& path : {std::string(), folder.path() + "/none", folder.write("file", "") + "/none"}) {
        const auto answer = look_up_password(looking_in(path), {.host = "db"});
        EXPECT_EQ(answer.password, std::nullopt);
        EXPECT_EQ(answer.ignored, "");
    }
}

TEST(Passfile, IsIgnoredWhenOthersMayUseIt)
{
    const scratch_folder folder;
    const auto path = folder.write("pass", "*:*:*:*:secret");
    const auto options = looking_in(path);
    for (const unsigned mode : {0640U, 0620U, 0610U, 0604U, 0602U, 0601U, 0777U}) {
        std::filesystem::permissions(path, std::filesystem::perms(mode));
        const auto answer = look_up_password(options, {.host = "db"});
        EXPECT_EQ(answer.password, std::nullopt) << mode;
        EXPECT_EQ(
            answer.ignored,
            "password file " + path +
                " is ignored: its group or others may use it; its permissions must be u=rw (0600) or less");
    }
    for (const unsigned mode : {0700U, 0600U, 0400U}) {
        std::filesystem::permissions(path, std::filesystem::perms(mode));
        EXPECT_EQ(look_up_password(options, {.host = "db"}).password, "secret") << mode;
    }
}

TEST(Passfile, IsIgnoredWhenItIsNoFile)
{
    const scratch_folder folder;
    const auto pipe = folder.path() + "/pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    for (const auto& path : {folder.path(), pipe}) {
        const auto answer = look_up_password(looking_in(path), {.host = "db"});
        EXPECT_EQ(answer.password, std::nullopt);
        EXPECT_EQ(answer.ignored, "password file " + path + " is ignored: it is not a plain file");
    }
}

// Mostly something that fits, so that all four often do.
std::string field(test::dsn_generator& generate, const std::string& fitting)
{
    static constexpr std::string_view others[]{"d\\b", "\\:\\:1", "", "a\\", "*x", "db", "::1", "\\a\\n\\n"};
    if (generate.chance(40))
        return "*";
    return generate.chance(60) ? fitting : std::string(generate.one_of(others));
}

// libpq looks passwords up before it connects; where to does not matter, so it is a port where nobody listens.
RC_GTEST_PROP(Passfile, AnswersAsLibpqDoes, (std::uint64_t seed))
{
    test::dsn_generator generate(seed, {"host"});
    static constexpr std::string_view hosts[]{"db", "::1", "localhost", "/nonexistent", "a"};
    connect_options options;
    options.hosts = {
        {.host = std::string(generate.one_of(hosts)),
         .hostaddr = "127.0.0.1",
         .port = static_cast<std::uint16_t>(1 + generate.below(2))}};
    options.user = generate.chance(50) ? "ann" : "db";
    options.database = generate.chance(50) ? "db" : "::1";

    std::string text;
    for (auto lines = generate.below(8); lines > 0; --lines) {
        static constexpr std::string_view ends[]{"\n", "\n", "\r\n", "\n\n", ""};
        text += (generate.chance(5) ? "#" : "") + field(generate, options.hosts[0].host) + ":" + field(generate, "1") +
                ":" + field(generate, options.database) + ":" + field(generate, options.user) +
                (generate.chance(95) ? ":" : "") + generate.mutated("p\\:w:d") + std::string(generate.one_of(ends));
    }
    const scratch_folder folder;
    options.passfile = folder.write("pass", text);
    const libpq::scoped_variables none({});
    const auto dsn = "hostaddr=127.0.0.1 host='" + options.hosts[0].host +
                     "' port=" + std::to_string(options.hosts[0].port) + " user=" + options.user +
                     " dbname=" + options.database + " passfile='" + options.passfile + "'";
    const libpq::connection tried(PQconnectStart(dsn.c_str()), PQfinish);
    const std::string theirs = PQpass(tried.get());
    RC_TAG(theirs.empty() ? "none" : "found");
    const auto own = look_up_password(options, options.hosts[0]).password.value_or("");
    if (own != theirs)
        RC_FAIL(text + "\n" + dsn + "\n  here:  <" + own + ">\n  libpq: <" + theirs + ">");
}

} // namespace
} // namespace tradecore::pg::conninfo
