// SPDX-License-Identifier: Apache-2.0
#include "pg/sqlstate_catalogue.hpp"

#include <tradecore/pg/error.hpp>

#include <algorithm>
#include <utility>

namespace tradecore::pg {

namespace {

std::string describe(const diagnostics& said, std::string_view statement)
{
    std::string text = said.severity.empty() ? "ERROR" : said.severity;
    text += ' ';
    text += said.code.text();
    if (const auto name = condition_name(said.code); name != "unknown") {
        text += " (";
        text += name;
        text += ')';
    }
    if (!statement.empty()) {
        text += " in ";
        text += statement;
    }
    text += ": ";
    text += said.message;
    return text;
}

std::string with_cause(const std::string& message, const boost::system::error_code& cause)
{
    return cause ? message + ": " + cause.message() : message;
}

} // namespace

server_error::server_error(std::shared_ptr<const pg::diagnostics> said, std::string_view statement)
    : error(make_error_code(said->code), describe(*said, statement)), said_(std::move(said))
{}

std::exception_ptr make_server_error(diagnostics said, std::string_view statement)
{
    auto shared = std::make_shared<const diagnostics>(std::move(said));
    const auto* const entry = detail::find_in_catalogue(shared->code);
    if (entry == nullptr) {
        return detail::make_typed<server_error>(std::move(shared), statement);
    }
    return entry->make(std::move(shared), statement);
}

void throw_server_error(diagnostics said, std::string_view statement)
{
    std::rethrow_exception(make_server_error(std::move(said), statement));
}

const detail::catalogue_entry* detail::find_in_catalogue(sqlstate code) noexcept
{
    const auto all = sqlstate_catalogue();
    const auto find = [&](int value) -> const catalogue_entry* {
        const auto found =
            std::lower_bound(all.begin(), all.end(), value, [](const catalogue_entry& entry, int wanted) {
                return entry.value < wanted;
            });
        return found != all.end() && found->value == value ? &*found : nullptr;
    };
    const auto* const exact = find(code.value());
    return exact != nullptr ? exact : find(code.class_code().value());
}

connection_error::connection_error(client_errc code, const std::string& message, boost::system::error_code cause)
    : error(make_error_code(code), with_cause(message, cause)), cause_(cause)
{}

protocol_error::protocol_error(const std::string& message)
    : error(make_error_code(client_errc::protocol_violation), message)
{}

timeout_error::timeout_error(const std::string& message) : error(make_error_code(client_errc::timeout), message) {}

type_error::type_error(const std::string& message) : type_error(client_errc::type_mismatch, message) {}

type_error::type_error(client_errc code, const std::string& message) : error(make_error_code(code), message) {}

argument_error::argument_error(const std::string& message) : type_error(client_errc::invalid_argument, message) {}

cardinality_error::cardinality_error(const std::string& message)
    : error(make_error_code(client_errc::cardinality), message)
{}

} // namespace tradecore::pg
