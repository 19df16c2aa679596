"""A bad day, played with the user's own configuration on copies: does every recording still arrive, and once?"""
