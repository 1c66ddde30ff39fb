// SPDX-License-Identifier: Apache-2.0
#include "pg/disposition.hpp"

#include <algorithm>
#include <initializer_list>

namespace tradecore::pg::detail {

namespace {

bool is_one_of(sqlstate code, std::initializer_list<condition> set)
{
    return std::any_of(set.begin(), set.end(), [&](condition c) { return code.value() == static_cast<int>(c); });
}

bool in_class(sqlstate code, std::initializer_list<condition_class> set)
{
    const int own = code.class_code().value();
    return std::any_of(set.begin(), set.end(), [&](condition_class c) { return own == static_cast<int>(c); });
}

bool cannot_connect(sqlstate code)
{
    return is_one_of(
        code, {condition::cannot_connect_now, condition::sqlclient_unable_to_establish_sqlconnection,
               condition::sqlserver_rejected_establishment_of_sqlconnection});
}

bool overloaded(sqlstate code)
{
    return is_one_of(code, {condition::out_of_memory, condition::too_many_connections});
}

} // namespace

std::string_view disposition_name(disposition what) noexcept
{
    switch (what) {
    case disposition::transient:
        return "transient";
    case disposition::cannot_connect:
        return "cannot connect";
    case disposition::overloaded:
        return "overloaded";
    case disposition::credentials:
        return "credentials";
    case disposition::connection_lost:
        return "connection lost";
    case disposition::in_doubt:
        return "in doubt";
    case disposition::read_only:
        return "read only";
    case disposition::stale_statement:
        return "stale statement";
    case disposition::canceled:
        return "canceled";
    case disposition::timeout:
        return "timeout";
    case disposition::server_fault:
        return "server fault";
    case disposition::rejected:
        return "rejected";
    }
    return "unknown";
}

bool server_has(sqlstate code, disposition what) noexcept
{
    using enum condition;
    using group = condition_class;
    switch (what) {
    case disposition::transient:
        return is_one_of(code, {serialization_failure, deadlock_detected, lock_not_available}) ||
               cannot_connect(code) || overloaded(code);
    case disposition::cannot_connect:
        return cannot_connect(code);
    case disposition::overloaded:
        return overloaded(code);
    case disposition::credentials:
        return in_class(code, {group::invalid_authorization_specification, group::invalid_catalog_name});
    case disposition::connection_lost:
        return is_one_of(
                   code, {admin_shutdown, crash_shutdown, database_dropped, idle_session_timeout,
                          idle_in_transaction_session_timeout, connection_does_not_exist, connection_failure}) ||
               in_class(code, {group::internal_error});
    case disposition::in_doubt:
        return is_one_of(code, {transaction_resolution_unknown, statement_completion_unknown});
    case disposition::read_only:
        return is_one_of(code, {read_only_sql_transaction});
    case disposition::stale_statement:
        return is_one_of(code, {invalid_sql_statement_name, duplicate_prepared_statement});
    case disposition::canceled:
        return is_one_of(code, {query_canceled});
    case disposition::timeout:
        return false;
    case disposition::server_fault:
        return is_one_of(code, {disk_full, out_of_memory}) ||
               in_class(code, {group::system_error, group::config_file_error, group::internal_error});
    case disposition::rejected:
        return is_one_of(code, {in_failed_sql_transaction}) ||
               (in_class(
                    code, {group::feature_not_supported, group::cardinality_violation, group::data_exception,
                           group::integrity_constraint_violation, group::syntax_error_or_access_rule_violation,
                           group::with_check_option_violation, group::plpgsql_error}) &&
                !is_one_of(code, {duplicate_prepared_statement}));
    }
    return false;
}

bool client_has(client_errc code, disposition what) noexcept
{
    switch (what) {
    case disposition::transient:
        return code == client_errc::cannot_connect;
    case disposition::cannot_connect:
        return code == client_errc::cannot_connect || code == client_errc::tls_failed;
    case disposition::credentials:
        return code == client_errc::authentication_failed;
    case disposition::connection_lost:
        return code == client_errc::connection_closed || code == client_errc::protocol_violation;
    case disposition::in_doubt:
        return code == client_errc::outcome_unknown;
    case disposition::timeout:
        return code == client_errc::timeout;
    case disposition::rejected:
        return code == client_errc::invalid_argument;
    default:
        return false;
    }
}

} // namespace tradecore::pg::detail
