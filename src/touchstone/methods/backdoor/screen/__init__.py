"""Looking for a backdoor in a finished picture classifier: what a small change turns every picture to one class.

    scores = screen(network, vetted, seed=1)          # four statistics, higher is more suspicious
    combined = combine(scores.statistics, references)  # one number for the suspect and for each honest reference

A screen, not a certificate: backdoors exist that no efficient test finds (Goldwasser et al. 2022), and a natural
shortcut is found as well. What a score means is seen only beside honest models of the same task, data and architecture.
"""
