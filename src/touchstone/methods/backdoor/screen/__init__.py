"""Looking for a backdoor in a finished picture classifier: what fixed changes bring about in it, beside honest models.

    responses = responses_of(network, vetted)      # for each change and class, how much more probable it becomes
    comparison = compare(responses, references)    # one score for the suspect and for each honest reference

A screen, not a certificate: backdoors exist that no efficient test finds (Goldwasser et al. 2022), and a natural
shortcut is found as well. What a response means is seen only beside honest models of the same task, data and
architecture.
"""
