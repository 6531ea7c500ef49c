//! The agent's conversations with the control plane: ECS API client, ACS and TCS sessions.
