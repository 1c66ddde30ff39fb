// SPDX-License-Identifier: Apache-2.0
#include <tradecore/errors.hpp>
#include <tradecore/pg/error.hpp>

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace tradecore::pg {
namespace {

using namespace literals;
using boost::system::error_code;

diagnostics said(sqlstate code, std::string message = "no")
{
    return {.severity = "ERROR", .code = code, .message = std::move(message)};
}

template <class Expected>
bool throws_exactly(sqlstate code)
{
    try {
        throw_server_error(said(code), "");
    }
    catch (const std::exception& caught) {
        return typeid(caught) == typeid(Expected);
    }
}

TEST(ServerError, IsOfItsConditionsOwnType)
{
    EXPECT_TRUE(throws_exactly<unique_violation>("23505"_sqlstate));
    EXPECT_TRUE(throws_exactly<foreign_key_violation>("23503"_sqlstate));
    EXPECT_TRUE(throws_exactly<serialization_failure>("40001"_sqlstate));
    EXPECT_TRUE(throws_exactly<plpgsql_error>("P0000"_sqlstate));
    EXPECT_TRUE(throws_exactly<fdw_out_of_memory>("HV001"_sqlstate));
    EXPECT_TRUE((std::is_base_of_v<integrity_constraint_violation, unique_violation>));
    EXPECT_TRUE((std::is_base_of_v<server_error, integrity_constraint_violation>));
    EXPECT_FALSE((std::is_base_of_v<integrity_constraint_violation, serialization_failure>));
    EXPECT_TRUE((std::is_same_v<tradecore::unique_violation, pg::unique_violation>));
}

TEST(ServerError, OfAnUnknownConditionIsOfItsClassOrPlainAndKeepsTheCode)
{
    EXPECT_TRUE(throws_exactly<integrity_constraint_violation>("23999"_sqlstate));
    EXPECT_TRUE(throws_exactly<server_error>("ZZ123"_sqlstate));
    try {
        throw_server_error(said("ZZ123"_sqlstate), "");
    }
    catch (const server_error& error) {
        EXPECT_EQ(error.state(), "ZZ123"_sqlstate);
        EXPECT_EQ(error.code().value(), "ZZ123"_sqlstate.value());
    }
}

TEST(ServerError, SaysWhatTheServerSaidAndKeepsRowsOutOfTheMessage)
{
    auto what = said("23505"_sqlstate, "duplicate key value violates unique constraint \"users_email_key\"");
    what.detail = "Key (email)=(a@b.c) already exists.";
    what.constraint = "users_email_key";
    what.table = "users";
    try {
        throw_server_error(what, "user_insert");
    }
    catch (const unique_violation& error) {
        EXPECT_STREQ(
            error.what(), "ERROR 23505 (unique_violation) in user_insert: duplicate key value violates unique "
                          "constraint \"users_email_key\"");
        EXPECT_EQ(error.diagnostics().constraint, "users_email_key");
        EXPECT_EQ(error.diagnostics().table, "users");
        EXPECT_EQ(error.diagnostics().detail, "Key (email)=(a@b.c) already exists.");
    }
}

TEST(ErrorCode, EqualsConditionClassAndNothingElse)
{
    const error_code code = make_error_code("23505"_sqlstate);
    EXPECT_TRUE(code == condition::unique_violation);
    EXPECT_FALSE(code == condition::foreign_key_violation);
    EXPECT_TRUE(code == condition_class::integrity_constraint_violation);
    EXPECT_FALSE(code == condition_class::data_exception);
    // The same number in another category is another thing.
    const error_code other(code.value(), boost::system::generic_category());
    EXPECT_FALSE(other == condition::unique_violation);
    EXPECT_FALSE(other == condition_class::integrity_constraint_violation);
    EXPECT_EQ(code.message(), "unique_violation (23505)");
}

TEST(ErrorCode, EqualsTheDispositionsOfItsOutcome)
{
    using enum disposition;
    const std::vector<disposition> all = {transient,       cannot_connect, overloaded,   credentials,
                                          connection_lost, in_doubt,       read_only,    stale_statement,
                                          canceled,        timeout,        server_fault, rejected};
    const std::vector<std::tuple<sqlstate, std::vector<disposition>>> table = {
        {"57P03"_sqlstate, {transient, cannot_connect}},
        {"08001"_sqlstate, {transient, cannot_connect}},
        {"08004"_sqlstate, {transient, cannot_connect}},
        {"53300"_sqlstate, {transient, overloaded}},
        {"28P01"_sqlstate, {credentials}},
        {"28000"_sqlstate, {credentials}},
        {"3D000"_sqlstate, {credentials}},
        {"40001"_sqlstate, {transient}},
        {"40P01"_sqlstate, {transient}},
        {"55P03"_sqlstate, {transient}},
        {"25006"_sqlstate, {read_only}},
        {"57P01"_sqlstate, {connection_lost}},
        {"57P02"_sqlstate, {connection_lost}},
        {"57P05"_sqlstate, {connection_lost}},
        {"25P03"_sqlstate, {connection_lost}},
        {"08006"_sqlstate, {connection_lost}},
        {"08007"_sqlstate, {in_doubt}},
        {"40003"_sqlstate, {in_doubt}},
        {"57014"_sqlstate, {canceled}},
        {"53100"_sqlstate, {server_fault}},
        {"53200"_sqlstate, {transient, overloaded, server_fault}},
        {"58030"_sqlstate, {server_fault}},
        {"XX000"_sqlstate, {connection_lost, server_fault}},
        {"26000"_sqlstate, {stale_statement}},
        {"42P05"_sqlstate, {stale_statement}},
        {"22012"_sqlstate, {rejected}},
        {"23505"_sqlstate, {rejected}},
        {"42601"_sqlstate, {rejected}},
        {"25P02"_sqlstate, {rejected}},
        {"P0001"_sqlstate, {rejected}},
    };
    for (const auto& [state, expected] : table) {
        for (const auto what : all) {
            const bool wanted = std::find(expected.begin(), expected.end(), what) != expected.end();
            EXPECT_EQ(make_error_code(state) == what, wanted)
                << state.text() << " and " << make_error_condition(what).message();
        }
    }
}

TEST(ErrorCode, OfTheClientHasDispositionsToo)
{
    EXPECT_TRUE(make_error_code(client_errc::cannot_connect) == disposition::transient);
    EXPECT_TRUE(make_error_code(client_errc::cannot_connect) == disposition::cannot_connect);
    EXPECT_TRUE(make_error_code(client_errc::connection_closed) == disposition::connection_lost);
    EXPECT_FALSE(make_error_code(client_errc::connection_closed) == disposition::transient);
    EXPECT_TRUE(make_error_code(client_errc::authentication_failed) == disposition::credentials);
    EXPECT_FALSE(make_error_code(client_errc::authentication_failed) == disposition::cannot_connect);
    EXPECT_FALSE(make_error_code(client_errc::authentication_failed) == disposition::transient);
    EXPECT_TRUE(make_error_code(client_errc::tls_failed) == disposition::cannot_connect);
    EXPECT_FALSE(make_error_code(client_errc::tls_failed) == disposition::transient);
    EXPECT_TRUE(make_error_code(client_errc::outcome_unknown) == disposition::in_doubt);
    EXPECT_TRUE(make_error_code(client_errc::timeout) == disposition::timeout);
    EXPECT_TRUE(timeout_error("late").code() == client_errc::timeout);
    EXPECT_TRUE(argument_error("no").code() == client_errc::invalid_argument);
    EXPECT_TRUE(cardinality_error("no").code() == client_errc::cardinality);
}

TEST(ErrorCode, TellsAStalePlanFromAnUnsupportedFeature)
{
    auto what = said("0A000"_sqlstate, "cached plan must not change result type");
    EXPECT_FALSE(is_stale_plan(what));
    what.routine = "RevalidateCachedQuery";
    EXPECT_TRUE(is_stale_plan(what));
    what.code = "42601"_sqlstate;
    EXPECT_FALSE(is_stale_plan(what));
}

TEST(ConnectionError, CarriesItsCause)
{
    const connection_error error(
        client_errc::cannot_connect, "cannot connect to db:5432",
        boost::asio::error::make_error_code(boost::asio::error::connection_refused));
    EXPECT_TRUE(error.code() == client_errc::cannot_connect);
    EXPECT_TRUE(error.cause() == boost::system::errc::connection_refused);
    EXPECT_STREQ(error.what(), "cannot connect to db:5432: Connection refused");
}

} // namespace
} // namespace tradecore::pg
