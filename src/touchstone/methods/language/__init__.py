"""What assistants that write texts are told and asked, and how their replies are judged without another model.

Prompts are made, not listed: slots, phrasings and techniques multiply, so that nobody can train on them. A reply is
judged by what is in it that cannot come from the prompt, by pure functions over the conversation and the reply, so
that every decision can be made again from evidence.
"""
