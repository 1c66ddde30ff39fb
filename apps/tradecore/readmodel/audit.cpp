// SPDX-License-Identifier: Apache-2.0
#include "readmodel/projectors.hpp"
#include "readmodel/row_io.hpp"
#include "readmodel/rows.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace tradecore::app::readmodel {

namespace {

domain::timestamp occurred_at_of(const events::recorded_event& recorded)
{
    const auto* fields = recorded.data.if_object();
    const auto* at = fields == nullptr ? nullptr : fields->if_contains("occurred_at");
    if (at == nullptr || !at->is_string())
        throw std::runtime_error(fmt::format("{}: \"occurred_at\" is missing", recorded.type));
    return domain::parse_timestamp(at->as_string());
}

/// From all streams: every event, whatever its type, so that one added later is in the log, too.
class audit_projector final : public projection::projector {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "audit"; }
    [[nodiscard]] int version() const noexcept override { return 1; }
    [[nodiscard]] std::optional<projection::mode> mode_of(std::string_view) const override
    {
        return projection::mode::async;
    }

    [[nodiscard]] boost::asio::awaitable<void>
    apply(database& read, std::span<const events::recorded_event> batch) override
    {
        std::vector<audit_row> rows;
        rows.reserve(batch.size());
        for (const auto& recorded : batch)
            rows.push_back(
                {recorded.id, recorded.stream, recorded.version, recorded.type, occurred_at_of(recorded),
                 recorded.data});
        static_cast<void>(co_await upsert_rows<audit_row>(read, rows));
    }
};

} // namespace

std::unique_ptr<projection::projector> make_audit_projector()
{
    return std::make_unique<audit_projector>();
}

} // namespace tradecore::app::readmodel
