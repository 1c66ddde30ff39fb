// SPDX-License-Identifier: Apache-2.0
#include "pg/integration/types/round_trip.hpp"

#include <tradecore/errors.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tradecore::pg::test {
namespace {

namespace asio = boost::asio;

rc::Gen<std::string> any_text(int longest = 30)
{
    const auto letter = rc::gen::weightedOneOf<std::string>(
        {{4, rc::gen::map(rc::gen::inRange<int>(1, 128), [](int c) { return std::string(1, static_cast<char>(c)); })},
         {1,
          rc::gen::elementOf(std::vector<std::string>{"ö", "☃", "𝄞", "'", "\"", "\\", "NULL", "{", "}", ",", " "})}});
    return rc::gen::map(
        rc::gen::resize(longest, rc::gen::container<std::vector<std::string>>(letter)), [](const auto& letters) {
            std::string text;
            for (const auto& each : letters) {
                text += each;
            }
            return text;
        });
}

std::vector<std::string> edge_texts()
{
    return {"", " ", "NULL", "a\"b", "a\\b", "{}", "it's", "\n\t", "ö☃𝄞", std::string(10'000, 'x')};
}

TEST(texts, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const auto all = samples(edge_texts(), any_text());
        co_await expect_round_trip(*db, "text", all);
        co_await expect_round_trip(*db, "varchar", all);
    });
}

TEST(texts, of_fixed_length_come_with_their_blanks)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::char(5)", "ab"), "ab   ");
        const auto script = co_await db->run_script({"SELECT 'ab'::char(5)", nullptr});
        EXPECT_EQ(script.at(0)[0][0].as<std::string>(), "ab   ");
    });
}

TEST(texts, of_names_have_63_bytes_at_most)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const std::string longest(63, 'n');
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::name", longest), longest);
        std::string code;
        try {
            (void)co_await db->fetchval<std::string>("SELECT $1::name", longest + "n");
        }
        catch (const server_error& error) {
            code = error.state().text();
        }
        EXPECT_EQ(code, "42622");
    });
}

TEST(texts, of_one_byte_make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        std::vector<one_byte_char> all;
        for (int c = 1; c < 128; ++c) {
            all.push_back({static_cast<char>(c)});
        }
        co_await expect_round_trip(*db, "\"char\"", all);
        EXPECT_EQ(co_await db->fetchval<one_byte_char>("SELECT $1::\"char\"", one_byte_char{}), one_byte_char{});
        EXPECT_EQ(co_await db->fetchval<one_byte_char>("SELECT $1::\"char\"", "r"), one_byte_char{'r'});
        std::string message;
        try {
            (void)co_await db->fetchval<one_byte_char>("SELECT $1::\"char\"", "ab");
        }
        catch (const argument_error& error) {
            message = error.what();
        }
        EXPECT_EQ(message, "argument $1: a text of 2 bytes does not fit \"char\", which has one");
    });
}

TEST(text_search, is_read_as_the_server_prints_it)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        (void)co_await db->run_script({"CREATE TEMP TABLE found (v tsvector, q tsquery)", nullptr});
        const auto words = samples(std::vector<std::string>{"", "the cat's \\ rat"}, any_text());
        (void)co_await db->execute(
            "INSERT INTO found SELECT setweight(to_tsvector('simple', w), 'B') || to_tsvector('simple', w), "
            "CASE WHEN at % 3 = 0 THEN plainto_tsquery('simple', w) WHEN at % 3 = 1 THEN phraseto_tsquery('simple', w) "
            "|| "
            "!! plainto_tsquery('simple', w) ELSE websearch_to_tsquery('simple', w) && ('x:*A | y'::tsquery || "
            "phraseto_tsquery('simple', w)) END FROM unnest($1::text[]) WITH ORDINALITY u(w, at)",
            words);
        const auto rows = co_await db->fetch<std::tuple<tsvector, std::string, tsquery, std::string>>(
            "SELECT v, v::text, q, q::text FROM found");
        EXPECT_EQ(rows.size(), words.size());
        for (const auto& [vector, vector_text, query, query_text] : rows) {
            EXPECT_EQ(vector.text, vector_text);
            EXPECT_EQ(query.text, query_text);
        }
        const tsvector cat{"'cat':2A 'rat':5"};
        EXPECT_EQ(co_await db->fetchval<tsvector>("SELECT $1::tsvector", cat), cat);
        const std::vector<tsquery> queries = {{"'fat' & ( 'cat' | 'rat' )"}, {"'a' <-> 'b'"}};
        EXPECT_EQ(co_await db->fetchval<std::vector<tsquery>>("SELECT $1::tsquery[]", queries), queries);
    });
}

TEST(json_paths, make_the_round_trip)
{
    run([]() -> asio::awaitable<void> {
        const auto db = co_await connect();
        const jsonpath path{R"($."a"[*]?(@ > 1))"};
        EXPECT_EQ(co_await db->fetchval<jsonpath>("SELECT $1::jsonpath", path), path);
        const std::vector<jsonpath> several = {path, {"$"}};
        EXPECT_EQ(co_await db->fetchval<std::vector<jsonpath>>("SELECT $1::jsonpath[]", several), several);
    });
}

TEST(extensions, have_values_too)
{
    run([]() -> asio::awaitable<void> {
        const tradecore::test::scratch_database own("extensions");
        own.run("CREATE EXTENSION hstore; CREATE EXTENSION ltree");
        const auto executor = co_await asio::this_coro::executor;
        const auto db = co_await connection::connect(executor, connect_options::parse(own.dsn()));
        const hstore pairs = {{"a", "1"}, {"it's \"q\" \\ =>", "x, y"}, {"none", std::nullopt}, {"", ""}};
        EXPECT_EQ(co_await db->fetchval<hstore>("SELECT $1::hstore", pairs), pairs);
        EXPECT_EQ(co_await db->fetchval<hstore>("SELECT ''::hstore"), hstore());
        EXPECT_EQ(co_await db->fetchval<std::string>("SELECT $1::hstore -> 'a'", pairs), "1");
        const auto script = co_await db->run_script({"SELECT '\"a b\"=>NULL, \"c\"=>\"d\\\"\"'::hstore", nullptr});
        EXPECT_EQ(script.at(0).size(), 1U);
        const std::vector<std::optional<hstore>> several = {pairs, std::nullopt, hstore()};
        EXPECT_EQ((co_await db->fetchval<std::vector<std::optional<hstore>>>("SELECT $1::hstore[]", several)), several);
        const ltree path{"Top.Science.Astronomy"};
        EXPECT_EQ(co_await db->fetchval<ltree>("SELECT $1::ltree", path), path);
        EXPECT_TRUE(co_await db->fetchval<bool>("SELECT $1::ltree ~ $2::lquery", path, lquery{"*.science@.*"}));
        EXPECT_EQ(
            (co_await db->fetchval<std::vector<ltree>>("SELECT $1::ltree[]", std::vector{path, path})).size(), 2U);
    });
}

} // namespace
} // namespace tradecore::pg::test
