// SPDX-License-Identifier: Apache-2.0
#include "pg/conninfo/dsn.hpp"
#include "pg/conninfo/dsn_generator.hpp"
#include "pg/conninfo/environment_values.hpp"
#include "pg/conninfo/keywords.hpp"
#include "pg/conninfo/libpq_oracle.hpp"
#include "pg/conninfo/service.hpp"
#include "pg/conninfo/test_environment.hpp"

#include <tradecore/pg/connect_options.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>

// What libpq does is the rule: the same strings accepted, with the same values.
namespace tradecore::pg::conninfo {
namespace {

using test::dsn_generator;
namespace libpq = test::libpq;

constexpr int strings_a_round = 300;

libpq::keyword_map texts_of(const values& said)
{
    libpq::keyword_map texts;
    for (const auto& [keyword, value] : said)
        texts.emplace(keyword, value.text);
    return texts;
}

std::optional<libpq::keyword_map> ours(const std::string& dsn)
{
    try {
        return texts_of(split_dsn(dsn));
    }
    catch (const std::invalid_argument&) {
        return std::nullopt;
    }
}

std::vector<std::string> libpq_keywords()
{
    std::vector<std::string> names;
    for (const auto& [keyword, variable] : libpq::keywords())
        names.push_back(keyword);
    return names;
}

std::string shown(const std::optional<libpq::keyword_map>& read)
{
    if (!read)
        return "refused";
    std::string text;
    for (const auto& [keyword, value] : *read)
        text.append(keyword).append("=<").append(value).append("> ");
    return text;
}

TEST(DsnAgreement, AllKeywordsOfLibpqAreKnownWithTheirVariables)
{
    const auto theirs = libpq::keywords();
    ASSERT_GE(theirs.size(), 35U);
    for (const auto& [name, variable] : theirs) {
        const auto* const known = find_keyword(name);
        ASSERT_NE(known, nullptr) << name;
        EXPECT_EQ(known->variable, variable) << name;
    }
}

struct tally {
    int accepted = 0;
    int refused = 0;
};

void compare(const std::string& dsn, tally& counted)
{
    const auto theirs = libpq::parse(dsn);
    const auto own = ours(dsn);
    ++(theirs ? counted.accepted : counted.refused);
    if (own != theirs)
        RC_FAIL("<" + dsn + ">\n  here:  " + shown(own) + "\n  libpq: " + shown(theirs));
}

RC_GTEST_PROP(DsnAgreement, KeywordValueStringsAreReadAlike, (std::uint64_t seed))
{
    dsn_generator generate(seed, libpq_keywords());
    tally right;
    tally broken;
    for (int i = 0; i < strings_a_round; ++i) {
        const auto dsn = generate.keyword_values();
        compare(dsn, right);
        compare(generate.mutated(dsn), broken);
    }
    // Neither all good nor all bad, or nothing would be compared.
    RC_ASSERT(right.accepted > strings_a_round / 2);
    RC_ASSERT(broken.refused > strings_a_round / 10);
    RC_ASSERT(broken.accepted > strings_a_round / 10);
}

RC_GTEST_PROP(DsnAgreement, UrisAreReadAlike, (std::uint64_t seed))
{
    dsn_generator generate(seed, libpq_keywords());
    tally right;
    tally broken;
    for (int i = 0; i < strings_a_round; ++i) {
        const auto dsn = generate.uri();
        compare(dsn, right);
        compare(generate.mutated(dsn), broken);
    }
    RC_ASSERT(right.accepted > strings_a_round / 2);
    RC_ASSERT(broken.refused > strings_a_round / 10);
    RC_ASSERT(broken.accepted > strings_a_round / 10);
}

TEST(DsnAgreement, OddStringsAreReadAlike)
{
    for (const auto* const dsn :
         {"",
          " ",
          "=",
          "=x",
          "host",
          "host=",
          "host= ",
          "host=''",
          "host='a'port=5",
          "host='a",
          "host=a\\",
          "host='a\\",
          "host='a\\'",
          "a b=c",
          "host = a = b",
          "host=a host=b",
          "service=x",
          "requiressl=1",
          "requiressl=",
          "ssl=true",
          "postgresql:/db",
          "postgresql://",
          "postgres://",
          "POSTGRES://db",
          " postgres://db",
          "postgres:///",
          "postgres://@",
          "postgres://:@",
          "postgres://a:b@",
          "postgres://a@b@c",
          "postgres://a/b@c",
          "postgres://a?b@c",
          "postgres://a?user=b@c",
          "postgres://?",
          "postgres://?&",
          "postgres://?a",
          "postgres://?user=",
          "postgres://?user",
          "postgres://?user=a&",
          "postgres://?user=a&&port=1",
          "postgres://?user=a=b",
          "postgres://?=a",
          "postgres://?user=%",
          "postgres://?user=%4",
          "postgres://?user=%41",
          "postgres://?user=%00",
          "postgres://?us%65r=a",
          "postgres://?ssl=true",
          "postgres://?ssl=false",
          "postgres://?ssl=tru%65",
          "postgres://?requiressl=1",
          "postgres://a:",
          "postgres://:5",
          "postgres://a:b:c",
          "postgres://a,b",
          "postgres://a:1,b:2",
          "postgres://,",
          "postgres://a:,b:",
          "postgres://a%2Cb:1",
          "postgres://[::1]",
          "postgres://[::1",
          "postgres://[]",
          "postgres://[::1]:5/db",
          "postgres://[::1],[::2]:6",
          "postgres://[::1]x",
          "postgres://[a]?user=b",
          "postgres://[:@]:5",
          "postgres:///a/b",
          "postgres:///a%2Fb?",
          "postgres://a#b",
          "postgres://h/d#f?user=x",
          "mysql://a",
          "://",
          "a://b=c"})
        EXPECT_EQ(ours(dsn), libpq::parse(dsn))
            << "<" << dsn << ">\n  " << shown(ours(dsn)) << "\n  " << shown(libpq::parse(dsn));
}

// All that is said in the end about a connection that cannot be made, as its host is no folder.
class sources {
public:
    explicit sources(std::uint64_t seed) : generate_(seed, libpq_keywords())
    {
        for (auto left = generate_.below(5); left > 0; --left)
            dsn_ += assignment(' ');
        if (generate_.chance(60)) {
            (generate_.chance(50) ? dsn_ : set_["PGSERVICE"]) += generate_.chance(50) ? "service=one " : "service=two ";
        }
        if (const auto named = set_.find("PGSERVICE"); named != set_.end())
            named->second = generate_.chance(50) ? "one" : "two";
        for (const auto& [keyword, variable] : libpq::keywords()) {
            if (!variable.empty() && usable(keyword) && generate_.chance(20))
                set_.emplace(variable, value());
        }
        if (generate_.chance(20))
            set_.emplace("PGREQUIRESSL", generate_.chance(50) ? "1" : "0");
        // What a home has by itself is another test's business.
        set_["HOME"] = folder_.path();
        set_["PGSYSCONFDIR"] = folder_.path();
        if (generate_.chance(80))
            (void)folder_.write(".pg_service.conf", service_file());
        if (generate_.chance(50))
            (void)folder_.write("pg_service.conf", service_file());
        if (generate_.chance(30))
            set_["PGSERVICEFILE"] =
                generate_.chance(80) ? folder_.write("own.conf", service_file()) : folder_.path() + "/missing";
        dsn_ += " host=/nonexistent";
    }

    [[nodiscard]] std::optional<libpq::keyword_map> theirs() const
    {
        const libpq::scoped_variables changed(set_);
        const libpq::connection tried(PQconnectStart(dsn_.c_str()), PQfinish);
        const libpq::option_list read(PQconninfo(tried.get()), PQconninfoFree);
        auto values = libpq::values_of(read.get());
        if (!values.contains("host"))
            return std::nullopt;
        return values;
    }

    [[nodiscard]] std::optional<libpq::keyword_map> own() const
    {
        const auto from = test::with_variables({set_.begin(), set_.end()});
        try {
            auto said = split_dsn(dsn_);
            add_service(said, from);
            add_environment(said, from);
            return texts_of(said);
        }
        catch (const std::invalid_argument&) {
            return std::nullopt;
        }
    }

    [[nodiscard]] std::string shown_sources() const
    {
        std::string text = dsn_ + "\n";
        for (const auto& [name, value] : set_)
            text.append(name).append("=").append(value).append("\n");
        return text;
    }

private:
    static bool usable(const std::string& keyword)
    {
        // No attempt may reach a server, and libpq loads or rewrites some.
        return keyword != "host" && keyword != "hostaddr" && keyword != "service" && keyword != "client_encoding";
    }

    std::string value()
    {
        static constexpr std::string_view values[]{"1", "a b", "", "prefer", "x=y", " z", "any"};
        return std::string(generate_.one_of(values));
    }

    std::string assignment(char end)
    {
        auto keyword = generate_.one_of(libpq_keywords());
        if (!usable(keyword))
            keyword = "options";
        const auto said = value();
        return keyword + "=" + (end == ' ' ? "'" + said + "'" : said) + end;
    }

    std::string service_file()
    {
        static constexpr std::string_view odd[]{"# comment",   "",         "  ",   "user",      "colour=red",
                                                "service=two", "ldap://x", "[one", "[onemore]", " [one] "};
        std::string text;
        for (auto groups = generate_.below(4); groups > 0; --groups) {
            text += generate_.chance(50) ? "[one]\n" : "[two]\r\n";
            for (auto lines = generate_.below(4); lines > 0; --lines)
                text += generate_.chance(6) ? std::string(generate_.one_of(odd)) + "\n"
                                            : (generate_.chance(20) ? "\t " : "") + assignment('\n');
        }
        return text;
    }

    dsn_generator generate_;
    test::scratch_folder folder_;
    std::string dsn_;
    libpq::keyword_map set_;
};

RC_GTEST_PROP(DsnAgreement, ServicesAndTheEnvironmentFillInAlike, (std::uint64_t seed))
{
    const sources from(seed);
    const auto theirs = from.theirs();
    const auto own = from.own();
    RC_TAG(theirs ? "accepted" : "refused");
    if (own.has_value() != theirs.has_value())
        RC_FAIL(from.shown_sources() + "\n  here:  " + shown(own) + "\n  libpq: " + shown(theirs));
    if (!own)
        return;
    const libpq::scoped_variables none({});
    const libpq::option_list defaults(PQconndefaults(), PQconninfoFree);
    const auto by_default = libpq::values_of(defaults.get());
    for (const auto& keyword : libpq_keywords()) {
        if (keyword == "service")
            continue;
        const auto said = own->find(keyword);
        const auto found = theirs->find(keyword);
        const auto theirs_is = [&](const std::string& text) { return found != theirs->end() && found->second == text; };
        // libpq puts something of its own in the place of these three when they are empty or not said.
        const bool made_up = keyword == "user" || keyword == "dbname" || keyword == "passfile";
        const bool same = said != own->end()             ? theirs_is(said->second) || (made_up && said->second.empty())
                          : by_default.contains(keyword) ? theirs_is(by_default.at(keyword)) || made_up
                                                         : found == theirs->end() || made_up;
        if (!same)
            RC_FAIL(from.shown_sources() + keyword + "\n  here:  " + shown(own) + "\n  libpq: " + shown(theirs));
    }
}

// libpq looks at these before it connects.
TEST(DsnAgreement, WordsAreTakenAndRefusedAlike)
{
    const std::vector<std::pair<std::string, std::vector<std::string>>> table = {
        {"sslmode",
         {"", "disable", "allow", "prefer", "require", "verify-ca", "verify-full", "Require", "verify_full", " require",
          "1"}},
        {"channel_binding", {"", "disable", "prefer", "require", "on", "REQUIRE"}},
        {"target_session_attrs",
         {"", "any", "read-write", "read-only", "primary", "standby", "prefer-standby", "master", "ANY", "read_write"}},
        {"gssencmode", {"", "disable", "prefer", "allow", "Prefer"}},
        {"ssl_min_protocol_version",
         {"", "TLSv1", "tlsv1.1", "TLSV1.2", "TLSv1.3", "TLSv1.4", "TLS1.2", "SSLv3", "1.2"}},
        {"ssl_max_protocol_version",
         {"", "TLSv1", "tlsv1.1", "TLSV1.2", "TLSv1.3", "TLSv1.4", "TLS1.2", "SSLv3", "1.2"}},
    };
    const libpq::scoped_variables none({});
    for (const auto& [keyword, words] : table) {
        for (const auto& word : words) {
            const auto dsn = fmt::format("host=/nonexistent {}='{}'", keyword, word);
            const libpq::connection tried(PQconnectStart(dsn.c_str()), PQfinish);
            const bool refused =
                std::string_view(PQerrorMessage(tried.get())).find("/nonexistent") == std::string::npos;
            const auto read = [&] { (void)connect_options::parse(dsn, test::nothing_set()); };
            if (refused)
                EXPECT_THROW(read(), std::invalid_argument) << dsn;
            else
                EXPECT_NO_THROW(read()) << dsn;
        }
    }
}

} // namespace
} // namespace tradecore::pg::conninfo
