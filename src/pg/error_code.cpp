// SPDX-License-Identifier: Apache-2.0
#include "pg/disposition.hpp"
#include "pg/sqlstate_catalogue.hpp"

#include <tradecore/pg/error_code.hpp>

#include <string>

namespace tradecore::pg {

namespace {

using boost::system::error_category;
using boost::system::error_code;
using boost::system::error_condition;

std::string name_and_code(int value)
{
    const auto code = sqlstate::from_value(value);
    return std::string(condition_name(code)) + " (" + code.text() + ")";
}

class server_codes final : public error_category {
public:
    const char* name() const noexcept override { return "postgresql"; }
    std::string message(int value) const override { return name_and_code(value); }
};

class client_codes final : public error_category {
public:
    const char* name() const noexcept override { return "tradecore.pg"; }
    std::string message(int value) const override
    {
        switch (static_cast<client_errc>(value)) {
        case client_errc::cannot_connect:
            return "cannot connect";
        case client_errc::connection_closed:
            return "connection closed";
        case client_errc::protocol_violation:
            return "protocol violation";
        case client_errc::timeout:
            return "timeout";
        case client_errc::type_mismatch:
            return "type mismatch";
        case client_errc::invalid_argument:
            return "invalid argument";
        case client_errc::cardinality:
            return "wrong number of rows or columns";
        case client_errc::outcome_unknown:
            return "outcome unknown";
        case client_errc::batch_aborted:
            return "aborted with its batch";
        case client_errc::authentication_failed:
            return "authentication failed";
        case client_errc::tls_failed:
            return "no secure connection";
        }
        return "unknown";
    }
};

class conditions final : public error_category {
public:
    const char* name() const noexcept override { return "postgresql.condition"; }
    std::string message(int value) const override { return name_and_code(value); }
    bool equivalent(const error_code& code, int value) const noexcept override
    {
        return code.category() == server_category() && code.value() == value;
    }
};

class condition_classes final : public error_category {
public:
    const char* name() const noexcept override { return "postgresql.class"; }
    std::string message(int value) const override { return name_and_code(value); }
    bool equivalent(const error_code& code, int value) const noexcept override
    {
        return code.category() == server_category() && sqlstate::from_value(code.value()).class_code().value() == value;
    }
};

class dispositions final : public error_category {
public:
    const char* name() const noexcept override { return "tradecore.disposition"; }
    std::string message(int value) const override
    {
        return std::string(detail::disposition_name(static_cast<disposition>(value)));
    }
    bool equivalent(const error_code& code, int value) const noexcept override
    {
        const auto what = static_cast<disposition>(value);
        if (code.category() == server_category()) {
            return detail::server_has(sqlstate::from_value(code.value()), what);
        }
        if (code.category() == client_category()) {
            return detail::client_has(static_cast<client_errc>(code.value()), what);
        }
        return false;
    }
};

} // namespace

const error_category& server_category() noexcept
{
    static const server_codes category;
    return category;
}

const error_category& client_category() noexcept
{
    static const client_codes category;
    return category;
}

const error_category& condition_category() noexcept
{
    static const conditions category;
    return category;
}

const error_category& condition_class_category() noexcept
{
    static const condition_classes category;
    return category;
}

const error_category& disposition_category() noexcept
{
    static const dispositions category;
    return category;
}

error_code make_error_code(client_errc code) noexcept
{
    return {static_cast<int>(code), client_category()};
}

error_code make_error_code(sqlstate code) noexcept
{
    return {code.value(), server_category()};
}

error_condition make_error_condition(condition what) noexcept
{
    return {static_cast<int>(what), condition_category()};
}

error_condition make_error_condition(condition_class what) noexcept
{
    return {static_cast<int>(what), condition_class_category()};
}

error_condition make_error_condition(disposition what) noexcept
{
    return {static_cast<int>(what), disposition_category()};
}

std::string_view condition_name(sqlstate code) noexcept
{
    const auto* const entry = detail::find_in_catalogue(code);
    return entry != nullptr ? entry->name : "unknown";
}

bool is_stale_plan(const diagnostics& said) noexcept
{
    return said.code.value() == static_cast<int>(condition::feature_not_supported) &&
           said.routine == "RevalidateCachedQuery";
}

} // namespace tradecore::pg
