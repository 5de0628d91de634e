"""One assessment from `system.yaml` to a signed certificate or refusal: the only room that knows the whole route.

It puts the steps of the rooms below in their order and decides nothing itself: no measuring, no judging, no
formats. Whatever is killed half-way is taken up again here.
"""
