// SPDX-License-Identifier: Apache-2.0
#include <tradecore/db/errors.hpp>

#include <utility>

namespace tradecore {
namespace {

class category final : public boost::system::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "tradecore.db"; }

    [[nodiscard]] std::string message(int value) const override
    {
        switch (static_cast<db_errc>(value)) {
        case db_errc::pool_exhausted:
            return "no connection became free in time";
        case db_errc::pool_cannot_connect:
            return "no connection in time because connecting fails";
        case db_errc::waits_for_itself:
            return "the wait for a connection could only end by the caller itself";
        case db_errc::transaction_closed:
            return "the transaction is finished";
        case db_errc::transaction_rolled_back:
            return "COMMIT was answered with ROLLBACK";
        case db_errc::commit_unknown:
            return "whether the transaction was committed is not known";
        case db_errc::database_closed:
            return "the database is not open";
        case db_errc::database_disabled:
            return "the database is switched off";
        case db_errc::circuit_open:
            return "the database has failed too often and is not asked for now";
        case db_errc::no_fresh_standby:
            return "no standby is proved to be as new as asked";
        }
        return "unknown error";
    }

    [[nodiscard]] bool equivalent(int value, const boost::system::error_condition& other) const noexcept override
    {
        if (other.category() != pg::disposition_category())
            return boost::system::error_category::equivalent(value, other);
        const auto what = static_cast<pg::disposition>(other.value());
        switch (static_cast<db_errc>(value)) {
        case db_errc::pool_exhausted:
            return what == pg::disposition::timeout;
        case db_errc::pool_cannot_connect:
            return what == pg::disposition::timeout || what == pg::disposition::cannot_connect ||
                   what == pg::disposition::transient;
        case db_errc::circuit_open:
            return what == pg::disposition::cannot_connect || what == pg::disposition::transient;
        case db_errc::commit_unknown:
            return what == pg::disposition::in_doubt;
        case db_errc::no_fresh_standby:
            return what == pg::disposition::transient;
        default:
            return false;
        }
    }
};

} // namespace

const boost::system::error_category& db_category() noexcept
{
    static const category instance;
    return instance;
}

boost::system::error_code make_error_code(db_errc code) noexcept
{
    return {static_cast<int>(code), db_category()};
}

pool_timeout::pool_timeout(db_errc code, const std::string& message, std::exception_ptr last_connect_error)
    : pg::error(code, message), last_connect_error_(std::move(last_connect_error))
{}

waits_for_itself::waits_for_itself(const std::string& message) : pg::error(db_errc::waits_for_itself, message) {}

transaction_closed::transaction_closed(const std::string& message) : pg::error(db_errc::transaction_closed, message) {}

transaction_rolled_back::transaction_rolled_back(const std::string& message, pg::sqlstate cause)
    : pg::error(db_errc::transaction_rolled_back, message), cause_(cause)
{}

commit_unknown::commit_unknown(
    const std::string& message, std::int32_t backend_pid, std::exception_ptr cause, std::optional<std::uint64_t> xid)
    : pg::error(db_errc::commit_unknown, message), backend_pid_(backend_pid), xid_(xid), cause_(std::move(cause))
{}

database_closed::database_closed(const std::string& message) : pg::error(db_errc::database_closed, message) {}

database_disabled::database_disabled(const std::string& message) : pg::error(db_errc::database_disabled, message) {}

no_fresh_standby::no_fresh_standby(const std::string& message, std::exception_ptr cause)
    : pg::error(db_errc::no_fresh_standby, message), cause_(std::move(cause))
{}

circuit_open::circuit_open(
    const std::string& message, std::chrono::steady_clock::duration come_again_in,
    std::shared_ptr<const std::string> last_failure)
    : pg::error(db_errc::circuit_open, message), come_again_in_(come_again_in), last_failure_(std::move(last_failure))
{}

} // namespace tradecore
