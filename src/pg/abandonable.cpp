// SPDX-License-Identifier: Apache-2.0
#include <tradecore/pg/abandonable.hpp>

#include <mutex>

namespace tradecore::pg {

// Keeps the holders of one context in a list and tells them when the context ends.
class abandon_service final : public boost::asio::execution_context::service {
public:
    using key_type = abandon_service;
    static inline boost::asio::execution_context::id id;

    explicit abandon_service(boost::asio::execution_context& context) : service(context) {}

    void add(abandonable& holder)
    {
        const std::lock_guard lock(mutex_);
        holder.next_ = first_;
        if (first_ != nullptr)
            first_->previous_ = &holder;
        first_ = &holder;
    }

    void remove(abandonable& holder) noexcept
    {
        const std::lock_guard lock(mutex_);
        unlink(holder);
    }

private:
    void unlink(abandonable& holder) noexcept
    {
        if (holder.previous_ != nullptr)
            holder.previous_->next_ = holder.next_;
        else if (first_ == &holder)
            first_ = holder.next_;
        if (holder.next_ != nullptr)
            holder.next_->previous_ = holder.previous_;
        holder.previous_ = holder.next_ = nullptr;
    }

    void shutdown() override
    {
        for (;;) {
            abandonable* holder = nullptr;
            {
                const std::lock_guard lock(mutex_);
                if (first_ == nullptr)
                    return;
                holder = first_;
                unlink(*holder);
                holder->service_ = nullptr; // it may outlive the context, and so this
            }
            holder->abandon();
        }
    }

    std::mutex mutex_;
    abandonable* first_ = nullptr;
};

abandonable::abandonable(boost::asio::execution_context& context)
    : service_(&boost::asio::use_service<abandon_service>(context))
{
    service_->add(*this);
}

abandonable::~abandonable()
{
    if (service_ != nullptr)
        service_->remove(*this);
}

} // namespace tradecore::pg
