// SPDX-License-Identifier: Apache-2.0
#include "support/postgres.hpp"
#include "support/run.hpp"

#include <tradecore/errors.hpp>
#include <tradecore/pg/byte_order.hpp>
#include <tradecore/pg/connection.hpp>
#include <tradecore/pg/type_registry.hpp>
#include <tradecore/pg/types.hpp>
#include <tradecore/pg/types/array.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace user_types_test {

BOOST_DEFINE_ENUM_CLASS(mood, calm, wild)
BOOST_DEFINE_ENUM_CLASS(later_mood, calm, wild, stormy)

struct address {
    std::string street;
    std::optional<std::int32_t> zip;
    std::optional<mood> m;
    friend bool operator==(const address&, const address&) = default;
};
BOOST_DESCRIBE_STRUCT(address, (), (street, zip, m))

struct longer_address {
    std::string street;
    std::optional<std::int32_t> zip;
    std::optional<mood> m;
    std::optional<std::string> country;
};
BOOST_DESCRIBE_STRUCT(longer_address, (), (street, zip, m, country))

struct person {
    std::string name;
    std::optional<address> home;
    std::vector<std::optional<address>> others;
    std::map<std::string, double> scores;
    friend bool operator==(const person&, const person&) = default;
};
BOOST_DESCRIBE_STRUCT(person, (), (name, home, others, scores))

struct crowd {
    std::vector<person> people;
    std::vector<std::vector<std::optional<mood>>> moods;
    friend bool operator==(const crowd&, const crowd&) = default;
};
BOOST_DESCRIBE_STRUCT(crowd, (), (people, moods))

struct two {
    std::int32_t first = 0;
    std::string second;
};
BOOST_DESCRIBE_STRUCT(two, (), (first, second))

/// A cube of one dimension.
struct interval_of_numbers {
    double lower = 0;
    double upper = 0;
};

} // namespace user_types_test

// cube_send in the extension's cube.c: a header with the number of dimensions, then the coordinates of both corners.
template <>
struct tradecore::pg::field_traits<user_types_test::interval_of_numbers> {
    static std::string name() { return "interval_of_numbers"; }
    static bool accepts(const type_ref& type, wire_format format)
    {
        return type.is_named("cube") && format == wire_format::binary;
    }
    static user_types_test::interval_of_numbers decode(const field& from)
    {
        const auto bytes = from.bytes();
        if (bytes.size() != 20 || detail::load<std::int32_t>(bytes) != 1) {
            from.refuse(name(), "not a cube of one dimension");
        }
        return {
            std::bit_cast<double>(detail::load<std::int64_t>(bytes, 4)),
            std::bit_cast<double>(detail::load<std::int64_t>(bytes, 12))};
    }
};

template <>
struct tradecore::pg::parameter_traits<user_types_test::interval_of_numbers> {
    static constexpr std::string_view type_name = "cube";
    static void encode(const user_types_test::interval_of_numbers& value, parameter_writer& to)
    {
        to.append(std::int32_t{1});
        to.append(std::bit_cast<std::int64_t>(value.lower));
        to.append(std::bit_cast<std::int64_t>(value.upper));
    }
};

namespace {

using namespace tradecore;
using namespace user_types_test;
namespace asio = boost::asio;
using test::run;

constexpr auto definitions = R"(
    CREATE TYPE mood AS ENUM ('calm', 'wild');
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE DOMAIN zip AS positive CHECK (VALUE < 100000);
    CREATE TYPE address AS (street text, zip zip, m mood);
    CREATE TYPE person AS (name text, home address, others address[], scores jsonb);
    CREATE TYPE crowd AS (people person[], moods mood[]);
)";

asio::awaitable<std::unique_ptr<pg::connection>> connect(const test::scratch_database& to)
{
    const auto executor = co_await asio::this_coro::executor;
    co_return co_await pg::connection::connect(executor, pg::connect_options::parse(to.dsn()));
}

template <class Error>
asio::awaitable<std::string> message_of(asio::awaitable<void> action)
{
    try {
        co_await std::move(action);
    }
    catch (const Error& error) {
        co_return error.what();
    }
    co_return "(nothing thrown)";
}

template <class T>
asio::awaitable<void> ignore(asio::awaitable<T> action)
{
    (void)co_await std::move(action);
}

class random_values {
public:
    explicit random_values(unsigned seed) : engine_(seed) {}

    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(engine_); }
    std::string text()
    {
        static constexpr std::string_view alphabet = "ab ,;(){}[]\"\\'NULL\n\t\xc3\xa4";
        std::string made;
        for (int left = below(8); left > 0; --left) {
            const char c = alphabet[static_cast<std::size_t>(below(static_cast<int>(alphabet.size()) - 2))];
            made += c;
        }
        return made;
    }
    std::optional<mood> a_mood()
    {
        return below(3) == 0 ? std::nullopt : std::optional(below(2) == 0 ? mood::calm : mood::wild);
    }
    address an_address() { return {text(), below(2) == 0 ? std::nullopt : std::optional(1 + below(9'999)), a_mood()}; }
    person a_person()
    {
        person made{text(), below(3) == 0 ? std::nullopt : std::optional(an_address()), {}, {}};
        for (int left = below(4); left > 0; --left) {
            made.others.push_back(below(3) == 0 ? std::nullopt : std::optional(an_address()));
        }
        if (below(2) == 0) {
            made.scores[text()] = below(100) / 4.0;
        }
        return made;
    }
    crowd a_crowd()
    {
        crowd made;
        for (int left = below(4); left > 0; --left) {
            made.people.push_back(a_person());
        }
        const int width = 1 + below(3);
        for (int left = below(4); left > 0; --left) {
            auto& row = made.moods.emplace_back();
            for (int i = 0; i < width; ++i) {
                row.push_back(a_mood());
            }
        }
        return made;
    }

private:
    std::mt19937 engine_;
};

TEST(user_types, go_and_come_by_name)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run(definitions);
        const auto db = co_await connect(database);
        EXPECT_EQ(co_await db->fetchval<mood>("SELECT $1::mood", mood::wild), mood::wild);
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::mood", mood::wild), "wild");
        EXPECT_EQ(co_await db->fetchval<mood>("SELECT $1::text", mood::calm), mood::calm);
        const address home{"Main \"St\"", 12'345, mood::wild};
        EXPECT_EQ(co_await db->fetchval<address>("SELECT $1::address", home), home);
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT ($1::address).street", home), home.street);
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::jsonb->>'street'", home), home.street);
        EXPECT_EQ(co_await db->fetchval<address>("SELECT $1::jsonb", home), home);
        EXPECT_EQ(co_await db->fetchval<address>("SELECT to_jsonb($1::address)", home), home);
        using parts = std::tuple<std::string, std::optional<int>, std::optional<mood>>;
        EXPECT_EQ(
            co_await db->fetchval<parts>("SELECT $1::address", std::tuple("x", 7, mood::calm)),
            (parts{"x", 7, mood::calm}));
        EXPECT_EQ(co_await db->fetchval<std::int64_t>("SELECT $1::zip", 42), 42);
        EXPECT_THROW((void)co_await db->fetchval<int>("SELECT $1::zip", -1), check_violation);
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<int>>("SELECT $1::zip[]", std::vector{1, 2})), (std::vector{1, 2}));
        // What the type is called is in the message.
        EXPECT_EQ(
            co_await message_of<type_error>(ignore(db->fetchval<int>("SELECT 'calm'::mood"))),
            "column \"mood\" is of type enum mood, which does not go into std::int32_t; cast it to a built-in type in "
            "the SQL, such as text");
        EXPECT_EQ(
            co_await message_of<argument_error>(
                ignore(db->fetchval<bool>("SELECT $1::mood = 'calm'", later_mood::stormy))),
            "argument $1: \"stormy\" of user_types_test::later_mood is no label of enum mood");
    });
}

TEST(user_types, of_all_shapes_come_back_unchanged_and_as_the_server_prints_them)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run(definitions);
        const auto db = co_await connect(database);
        random_values random(4711);
        for (int i = 0; i < 200; ++i) {
            const auto sent = random.a_crowd();
            const auto rows = co_await db->fetch(
                "SELECT c, c::text::crowd = c AND c::text::crowd IS NOT DISTINCT FROM c, c::text, to_jsonb(c) FROM "
                "(SELECT $1::crowd) x(c)",
                sent);
            const auto row = rows[0];
            EXPECT_EQ(row[0].as<crowd>(), sent);
            EXPECT_TRUE(row[1].as<std::optional<bool>>().value_or(true));
            EXPECT_EQ(row[3].as<crowd>(), sent) << row[2].as<std::string>();
            // The text form, read as such.
            const auto printed = row[2].as<std::string>();
            const auto columns = rows.columns();
            pg::column as_text = columns[0];
            as_text.format = pg::wire_format::text;
            const pg::field from(as_text, printed.data(), static_cast<std::int32_t>(printed.size()));
            EXPECT_EQ(from.as<crowd>(), sent) << printed;
        }
    });
}

TEST(user_types, are_arrays_of_one_to_six_dimensions_with_any_bounds)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run(definitions);
        const auto db = co_await connect(database);
        random_values random(42);
        using moods = pg::array<std::optional<mood>>;
        for (int rank = 1; rank <= 6; ++rank) {
            for (int i = 0; i < 10; ++i) {
                moods sent;
                std::size_t count = 1;
                for (int d = 0; d < rank; ++d) {
                    sent.dimensions.push_back({1 + random.below(3), random.below(7) - 3});
                    count *= static_cast<std::size_t>(sent.dimensions.back().size);
                }
                while (sent.values.size() < count) {
                    sent.values.push_back(random.a_mood());
                }
                const auto row = (co_await db->fetch("SELECT a, a::text FROM (SELECT $1::mood[]) x(a)", sent));
                EXPECT_EQ(row[0][0].as<moods>(), sent);
                const auto printed = row[0][1].as<std::string>();
                pg::column as_text = row.columns()[0];
                as_text.format = pg::wire_format::text;
                const pg::field from(as_text, printed.data(), static_cast<std::int32_t>(printed.size()));
                EXPECT_EQ(from.as<moods>(), sent) << printed;
            }
        }
        using grid = std::vector<std::vector<int>>;
        EXPECT_EQ((co_await db->fetchval<grid>("SELECT $1::int[]", grid{{1, 2}, {3, 4}})), (grid{{1, 2}, {3, 4}}));
        EXPECT_EQ((co_await db->fetchval<grid>("SELECT '{}'::int[]")), grid());
        EXPECT_EQ((co_await db->fetchval<std::vector<int>>("SELECT '[5:6]={1,2}'::int[]")), (std::vector<int>{1, 2}));
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<int>>("SELECT '1 2'::int2vector::int[]")), (std::vector<int>{1, 2}));
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::int2vector::text", std::vector{1, 2}), "1 2");
    });
}

TEST(user_types, are_domains_over_anything)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run(definitions);
        database.run("CREATE DOMAIN home AS address CHECK ((VALUE).zip IS NOT NULL);"
                     "CREATE DOMAIN numbers AS int[] CHECK (cardinality(VALUE) < 4);"
                     "CREATE DOMAIN few AS numbers; CREATE TYPE holder AS (h home, n few, all_of few[])");
        const auto db = co_await connect(database);
        const address home{"x", 1, mood::calm};
        EXPECT_EQ(co_await db->fetchval<address>("SELECT $1::home", home), home);
        EXPECT_EQ((co_await db->fetchval<std::vector<int>>("SELECT $1::few", std::vector{1, 2})), (std::vector{1, 2}));
        using holder = std::tuple<address, std::vector<int>, std::vector<std::vector<int>>>;
        const auto whole = co_await db->fetchval<holder>(
            "SELECT $1::holder",
            std::tuple(home, std::vector{1}, std::vector{pg::array<int>(std::vector{2, 3}), pg::array<int>()}));
        EXPECT_EQ(whole, (holder{home, {1}, {{2, 3}, {}}}));
        EXPECT_THROW(
            (void)co_await db->fetchval<std::vector<int>>("SELECT $1::few", std::vector{1, 2, 3, 4}), check_violation);
    });
}

TEST(user_types, are_ranges_over_user_types)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run(definitions);
        database.run(
            "CREATE TYPE moodrange AS RANGE (subtype = mood);"
            "CREATE TYPE floatrange AS RANGE (subtype = float8); CREATE TYPE ziprange AS RANGE (subtype = zip)");
        const auto db = co_await connect(database);
        const auto moods = pg::range<mood>::make(mood::calm, mood::wild, pg::range_bounds::both).value();
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::moodrange::text", moods), "[calm,wild]");
        EXPECT_EQ((co_await db->fetchval<pg::range<mood>>("SELECT $1::moodrange", moods)), moods);
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<pg::range<mood>>>("SELECT ARRAY[$1::moodrange]", moods)).at(0), moods);
        const auto floats = pg::range<double>::make(0.5, std::nullopt, pg::range_bounds::lower).value();
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::floatrange::text", floats), "[0.5,)");
        EXPECT_EQ((co_await db->fetchval<pg::range<double>>("SELECT $1::floatrange", floats)), floats);
        const auto zips = pg::range<int>::make(1, 5, pg::range_bounds::lower).value();
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::ziprange::text", zips), "[1,5)");
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::int8range::text", zips), "[1,5)");
    });
}

TEST(user_types, that_get_more_labels_or_attributes_are_looked_up_again)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run(definitions);
        const auto db = co_await connect(database);
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::mood::text", later_mood::wild), "wild");
        const address home{"x", 1, mood::calm};
        EXPECT_EQ(co_await db->fetchval<address>("SELECT $1::address", home), home);
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<address>>("SELECT ARRAY['(x,1,calm)'::address]")),
            std::vector<address>{home});

        database.run("ALTER TYPE mood ADD VALUE 'stormy'");
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::mood::text", later_mood::stormy), "stormy");
        EXPECT_EQ(co_await db->fetchval<later_mood>("SELECT 'stormy'::mood"), later_mood::stormy);

        database.run("ALTER TYPE address ADD ATTRIBUTE country text");
        // Only what came tells that the type is another one now.
        EXPECT_EQ((co_await db->fetchval<std::vector<address>>("SELECT ARRAY['(x,1,calm)'::address]")).size(), 1U);
        const longer_address longer{"x", 1, mood::calm, "CH"};
        EXPECT_EQ((co_await db->fetchval<longer_address>("SELECT $1::address", longer)).country.value_or("none"), "CH");
        EXPECT_EQ(
            co_await message_of<argument_error>(ignore(db->fetchval<address>("SELECT $1::address", home))),
            "argument $1: user_types_test::address has no member for attribute \"country\" of composite address");
        database.run("ALTER TYPE address DROP ATTRIBUTE country");
        EXPECT_EQ(co_await db->fetchval<address>("SELECT $1::address", home), home);
    });
}

TEST(user_types, are_described_anew_in_statements_that_were_prepared_before)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run(definitions);
        database.run("CREATE TABLE homes (a address); INSERT INTO homes VALUES ('(x,1,calm)')");
        const auto db = co_await connect(database);
        const auto select = [&] { return db->fetchval<address>("SELECT a FROM homes"); };
        EXPECT_EQ((co_await select()).zip, 1);
        database.run("ALTER TYPE address ADD ATTRIBUTE country text CASCADE");
        EXPECT_EQ((co_await select()).zip, 1);
        database.run("ALTER TYPE address RENAME ATTRIBUTE zip TO code CASCADE");
        database.run("ALTER TYPE address ADD ATTRIBUTE zip int CASCADE");
        EXPECT_EQ((co_await select()).zip, std::nullopt);
    });
}

TEST(user_types, may_be_dropped_and_created_again)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run("CREATE TYPE mood AS ENUM ('calm'); CREATE TYPE pair AS (a int, m mood)");
        const auto db = co_await connect(database);
        using pair = std::tuple<int, mood>;
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(co_await db->fetchval<mood>("SELECT $1::mood", mood::calm), mood::calm);
            EXPECT_EQ((co_await db->fetchval<pair>("SELECT $1::pair", pair{i, mood::calm})), (pair{i, mood::calm}));
            EXPECT_EQ((co_await db->fetchval<std::vector<mood>>("SELECT '{calm}'::mood[]")).size(), 1U);
            database.run("DROP TYPE mood CASCADE; DROP TYPE pair;"
                         "CREATE TYPE mood AS ENUM ('calm'); CREATE TYPE pair AS (a int, m mood)");
        }
        // In a transaction the error is said; afterwards all is well.
        (void)co_await db->execute("BEGIN");
        EXPECT_THROW((void)co_await db->fetchval<mood>("SELECT $1::mood", mood::calm), server_error);
        (void)co_await db->execute("ROLLBACK");
        EXPECT_EQ(co_await db->fetchval<mood>("SELECT $1::mood", mood::calm), mood::calm);
    });
}

TEST(user_types, of_other_schemas_are_named_as_sql_names_them)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run(R"(CREATE SCHEMA "odd ""schema"; CREATE TYPE "odd ""schema"."My Mood" AS ENUM ('calm', 'wild');)"
                     R"(CREATE TYPE "odd ""schema"."Pair" AS ("An Attribute" int, m "odd ""schema"."My Mood"))");
        const auto db = co_await connect(database);
        EXPECT_EQ(co_await db->fetchval<mood>(R"(SELECT $1::"odd ""schema"."My Mood")", mood::calm), mood::calm);
        EXPECT_EQ(
            co_await message_of<type_error>(
                ignore(db->fetchval<int>(R"(SELECT ARRAY['calm'::"odd ""schema"."My Mood"] AS x)"))),
            R"(column "x" is of type "odd ""schema"."My Mood"[], which does not go into std::int32_t; cast it to a )"
            "built-in type in the SQL, such as text");
        EXPECT_EQ(
            co_await message_of<type_error>(
                ignore(db->fetchval<address>(R"(SELECT '(1,calm)'::"odd ""schema"."Pair" AS x)"))),
            R"(column "x" is of type composite "odd ""schema"."Pair", which does not go into user_types_test::address: )"
            "it has no attribute \"street\"");
    });
}

TEST(user_types, without_a_binary_form_come_in_text)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run("CREATE TYPE grant_of AS (who text, what aclitem); CREATE DOMAIN entry AS aclitem");
        const auto db = co_await connect(database);
        const std::string item = "=r/tradecore";
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT '=r/tradecore'::aclitem"), item);
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT '=r/tradecore'::entry"), item);
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<std::string>>("SELECT ARRAY['=r/tradecore'::aclitem]")),
            std::vector<std::string>{item});
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<std::string>>("SELECT ARRAY['=r/tradecore'::entry]")),
            std::vector<std::string>{item});
        using pair = std::tuple<std::string, std::string>;
        EXPECT_EQ(
            (co_await db->fetchval<pair>("SELECT ROW('a \"b\"', '=r/tradecore')::grant_of")), (pair{"a \"b\"", item}));
        EXPECT_EQ(
            (co_await db->fetchval<pair>("SELECT $1::grant_of", pair{"a, \"b\"", item})), (pair{"a, \"b\"", item}));
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<pair>>("SELECT $1::grant_of[]", std::vector{pair{"(x)", item}})),
            (std::vector{pair{"(x)", item}}));
        // Never an error merely because a column is there.
        const auto all = co_await db->fetch("SELECT * FROM pg_type LIMIT 3");
        EXPECT_EQ(all.size(), 3U);
        EXPECT_FALSE((co_await db->fetch("SELECT * FROM pg_class, pg_proc LIMIT 1")).empty());
        EXPECT_FALSE((co_await db->fetch("SELECT * FROM pg_stats LIMIT 1")).empty());
        EXPECT_TRUE((co_await db->fetch("SELECT c FROM pg_class c LIMIT 1")).size() == 1);
        EXPECT_FALSE((co_await db->fetch("SELECT * FROM information_schema.columns LIMIT 1")).empty());
    });
}

TEST(user_types, are_anonymous_records_with_anything_in_them)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run(definitions);
        const auto db = co_await connect(database);
        EXPECT_EQ(
            (co_await db->fetchval<std::tuple<int, std::string>>("SELECT (1, 'a')")),
            (std::tuple<int, std::string>{1, "a"}));
        const auto as_struct = co_await db->fetchval<two>("SELECT (1, 'a')");
        EXPECT_EQ(as_struct.second, "a");
        // Types that only the values tell of.
        using deep = std::tuple<mood, address, std::vector<mood>, std::tuple<int, std::vector<address>>>;
        const deep expected = {mood::calm, {"x", 1, mood::wild}, {mood::wild}, {7, {{"x", 1, mood::wild}}}};
        for (int i = 0; i < 2; ++i) {
            EXPECT_EQ(
                (co_await db->fetchval<deep>("SELECT ('calm'::mood, '(x,1,wild)'::address, '{wild}'::mood[], (7, "
                                             "ARRAY['(x,1,wild)'::address]))")),
                expected);
        }
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<std::tuple<int, mood>>>("SELECT ARRAY[(1, 'calm'::mood)]")),
            (std::vector<std::tuple<int, mood>>{{1, mood::calm}}));
        EXPECT_EQ(
            (co_await db->fetchval<std::tuple<int, std::optional<mood>>>("SELECT (1, NULL::mood)")),
            (std::tuple<int, std::optional<mood>>{1, std::nullopt}));
    });
}

TEST(user_types, of_extensions_are_found_by_name)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run("CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE EXTENSION ltree;"
                     "CREATE EXTENSION citext; CREATE EXTENSION cube");
        const auto db = co_await connect(database);
        const pg::hstore pairs = {{"a", "1"}, {"b", std::nullopt}};
        EXPECT_EQ(co_await db->fetchval<pg::hstore>("SELECT $1::ext.hstore", pairs), pairs);
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<pg::hstore>>("SELECT ARRAY[$1::ext.hstore]", pairs)),
            std::vector<pg::hstore>{pairs});
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT 'a=>1'::ext.hstore"), "\"a\"=>\"1\"");
        EXPECT_EQ((co_await db->fetchval<pg::ltree>("SELECT $1::ltree", pg::ltree{"a.b"})).text, "a.b");
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::citext", "aBc"), "aBc");
        EXPECT_EQ(co_await db->fetchval<bool>("SELECT $1::citext = 'ABC'", "aBc"), true);
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<std::string>>("SELECT $1::citext[]", std::vector{"aBc"})),
            std::vector<std::string>{"aBc"});
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::cube", "(1, 2),(3, 4)"), "(1, 2),(3, 4)");
        EXPECT_EQ((co_await db->fetchval<std::vector<std::byte>>("SELECT $1::cube", "(1, 2),(3, 4)")).size(), 13U);
    });
}

TEST(user_types, are_known_to_all_connections_that_share_a_registry)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run(definitions);
        const auto executor = co_await asio::this_coro::executor;
        auto options = pg::connect_options::parse(database.dsn());
        options.types = std::make_shared<pg::type_registry>();
        const auto first = co_await pg::connection::connect(executor, options);
        const auto second = co_await pg::connection::connect(executor, options);
        EXPECT_EQ(co_await first->fetchval<mood>("SELECT $1::mood", mood::wild), mood::wild);
        const auto known = options.types->known();
        EXPECT_FALSE(known->types().empty());
        EXPECT_EQ(co_await second->fetchval<mood>("SELECT $1::mood", mood::wild), mood::wild);
        EXPECT_EQ(options.types->known(), known) << "looked up again";
        // What one of them finds to be old is looked up by the other, too.
        database.run("ALTER TYPE mood ADD VALUE 'stormy'");
        EXPECT_EQ(co_await first->fetchval<std::string>("SELECT $1::mood", later_mood::stormy), "stormy");
        EXPECT_EQ(co_await second->fetchval<std::string>("SELECT $1::mood", later_mood::stormy), "stormy");
    });
}

TEST(user_types, of_the_programs_own_are_read_in_binary_when_it_says_so)
{
    run([]() -> asio::awaitable<void> {
        const test::scratch_database database("user_types");
        database.run("CREATE EXTENSION cube");
        const auto executor = co_await asio::this_coro::executor;
        auto options = pg::connect_options::parse(database.dsn());
        options.types = std::make_shared<pg::type_registry>();
        options.types->ask_binary("cube");
        const auto db = co_await pg::connection::connect(executor, options);
        const interval_of_numbers sent{1.5, 2.5};
        const auto back = co_await db->fetchval<interval_of_numbers>("SELECT $1::cube", sent);
        EXPECT_EQ(back.lower, sent.lower);
        EXPECT_EQ(back.upper, sent.upper);
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::cube::text", sent), "(1.5),(2.5)");
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<interval_of_numbers>>("SELECT $1::cube[]", std::vector{sent, sent}))
                .size(),
            2U);
    });
}

} // namespace
